"""Valkey on this machine: the doorbell. What it forgets, the sweeps find again."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import redis

from exchange.embedded import address, binaries, orphans
from exchange.embedded.errors import EmbeddedError
from exchange.embedded.process import Process
from exchange.embedded.runas import plain_environment

SOCKET: Final = "valkey.sock"
START_SECONDS: Final = 10


class Valkey:
    """The Redis-compatible server of one instance folder, with its append-only file on."""

    name = "valkey"

    def __init__(self, folder: Path, *, password: str) -> None:
        self.data = folder / "valkey"
        self._pid_file = folder / "valkey.pid"
        self._log = folder / "valkey.log"
        self._password = password
        self._program = binaries.find_valkey()
        self._address = address.choose(folder / "run", file=SOCKET)
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Its address for redis-py."""
        return self._address.redis_url(file=SOCKET, password=self._password)

    @property
    def pid(self) -> int:
        """Its pid; raises RuntimeError when it was not started."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Start it; a damaged append-only file is set aside, for the tables know better."""
        orphans.end(self._pid_file, folder=self.data)
        if self._launch():
            return
        self.data.rename(self.data.with_name(f"valkey.damaged-{os.getpid()}-{time.time_ns()}"))
        if not self._launch():
            raise EmbeddedError(f"Valkey does not start; its log is {self._log}.")

    def stop(self) -> None:
        """Stop it, its file written."""
        if self._process is not None:
            self._process.stop()

    def _launch(self) -> bool:
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self._address.folder:
            self._address.folder.mkdir(mode=0o700, exist_ok=True)
        self._process = Process(
            name=self.name,
            command=self._command(),
            log=self._log,
            environment=plain_environment(),
            folder=self.data,
        )
        self._process.start()
        return self._becomes_ready(self._process)

    def _command(self) -> list[str]:
        return [
            self._program,
            *self._listen(),
            *("--dir", str(self.data), "--pidfile", str(self._pid_file), "--daemonize", "no"),
            *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
            *("--loglevel", "warning"),
        ]

    def _listen(self) -> list[str]:
        if self._address.folder:
            path = str(self._address.folder / SOCKET)
            return ["--port", "0", "--unixsocket", path, "--unixsocketperm", "700"]
        port = str(self._address.port)
        return ["--port", port, "--bind", address.LOOPBACK, "--requirepass", self._password]

    def _becomes_ready(self, process: Process) -> bool:
        """True when it answers, False when it ended by itself."""
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while process.is_alive():
                try:
                    client.ping()
                except redis.RedisError as error:
                    if time.monotonic() > deadline:
                        process.stop()
                        raise EmbeddedError(f"Valkey does not answer: {error}") from None
                    time.sleep(0.02)
                else:
                    return True
        return False
