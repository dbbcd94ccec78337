"""PostgreSQL and Valkey on this machine: start, recover, stop.

`with embedded.servers(folder) as servers:` gives two addresses and leaves nothing behind, however
the block, the program or its predecessor ended. One process at a time owns a folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange.embedded import runas
from exchange.embedded.lock import FolderLock
from exchange.embedded.postgres import Postgres, Tuning, owner_password
from exchange.embedded.valkey import Valkey

# Three houses of tests at once have more connections than one instance.
TESTS = Tuning(shared_buffers="128MB", max_wal_size="1GB", max_connections=200, durable=False)


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of one folder; None for each that runs elsewhere."""

    folder: Path
    postgres: Postgres | None
    valkey: Valkey | None

    @property
    def database_url(self) -> str:
        """The database as the owner of the tables; raises RuntimeError when it is elsewhere."""
        if self.postgres is None:
            raise RuntimeError("the database runs elsewhere")
        return self.postgres.url()

    @property
    def redis_url(self) -> str:
        """The doorbell; raises RuntimeError when it is elsewhere."""
        if self.valkey is None:
            raise RuntimeError("Redis runs elsewhere")
        return self.valkey.url

    def each(self) -> list[Postgres | Valkey]:
        """Those that run here, in the order of their start."""
        return [server for server in (self.postgres, self.valkey) if server]


@contextmanager
def servers(
    folder: Path, *, postgres: bool = True, valkey: bool = True, tuning: Tuning | None = None
) -> Iterator[Servers]:
    """Run the servers of a folder for the length of the block.

    Raises InUse when another process runs them, ForeignData when something that is not ours is
    in the way, EmbeddedError when a server cannot be started.
    """
    with owned(folder) as place:
        ours = Servers(
            place,
            Postgres(place, tuning=tuning or Tuning()) if postgres else None,
            Valkey(place, password=owner_password(place)) if valkey else None,
        )
        try:
            for server in ours.each():
                server.start()
            yield ours
        finally:
            for server in reversed(ours.each()):
                server.stop()


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Make and hold the folder, resolved; raises InUse while another process holds it."""
    # Others may pass through root's folder, since the database cannot be root; never look inside.
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    place = folder.resolve()
    lock = FolderLock(place)
    lock.take()
    try:
        yield place
    finally:
        lock.release()


def erase(folder: Path) -> None:
    """Destroy the folder with all its data; raises InUse while it is in use."""
    with owned(folder) as place:
        if outside := runas.elsewhere(place):
            shutil.rmtree(outside, ignore_errors=True)
        shutil.rmtree(place)
