"""Addresses of the servers: a socket in the instance's folder, else a port on the loopback.

The path of a Unix socket has a limit of about 107 bytes in the kernel, so a checkout in a deep
folder gets a free port and a password instead.
"""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

SOCKET_PATH_BYTES_MAX: Final = 99
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """Either a socket's folder (port then only names the file) or a port on the loopback."""

    folder: Path | None
    port: int

    def postgres_url(self, *, user: str, password: str, database: str) -> str:
        """The address for libpq and SQLAlchemy; nothing is left to the caller's environment."""
        person = f"{user}:{quote(password)}"
        if self.folder:
            folder = quote(str(self.folder), safe="/")
            return f"postgresql://{person}@/{database}?host={folder}&port={self.port}"
        return f"postgresql://{person}@{LOOPBACK}:{self.port}/{database}?sslmode=disable"

    def redis_url(self, *, file: str, password: str) -> str:
        """The address for redis-py."""
        if self.folder:
            path = quote(str(self.folder / file), safe="/")
            return f"unix://{path}"
        return f"redis://:{quote(password)}@{LOOPBACK}:{self.port}/0"


def choose(folder: Path, *, file: str, port: int = 0) -> Address:
    """The socket `file` in the folder where its path is short enough, else a free port."""
    if len(str(folder / file).encode()) <= SOCKET_PATH_BYTES_MAX:
        return Address(folder, port)
    return Address(None, free_port())


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def reserve(host: str, port: int) -> socket.socket | None:
    """Keep a port for a server that is about to start; None when it is taken.

    The web server shares its port among its processes (SO_REUSEPORT), so without this two
    instances that start together would share one too, and each would answer for the other.
    The socket never listens; the server binds beside it, and another reservation cannot.
    """
    if not _is_free(host, port):
        return None
    keeper = socket.socket(_family(host))
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        keeper.bind((host, port))
    except OSError:
        keeper.close()
        return None
    return keeper


def _is_free(host: str, port: int) -> bool:
    with closing(socket.socket(_family(host))) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
