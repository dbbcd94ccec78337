"""PostgreSQL on this machine: made once, started, recovered after any crash, stopped.

Nothing is created before `show data_directory` has said that the server is ours, and no data
directory that we did not make is ever touched.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from exchange.embedded import address, binaries, orphans, runas
from exchange.embedded.errors import EmbeddedError, ForeignData
from exchange.embedded.process import Process

USER: Final = "exchange"
DATABASE: Final = "exchange"
SOCKET_PORT: Final = 5432  # names the socket's file only
START_SECONDS: Final = 10
RECOVERY_SECONDS: Final = 600  # replaying 4 GB of log takes minutes on a slow disk
POLL_SECONDS: Final = 0.02
SHARED_MEMORY: Final = Path("/dev", "shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What differs between a real instance and one for tests."""

    shared_buffers: str = "512MB"
    max_wal_size: str = "4GB"
    max_connections: int = 100
    durable: bool = True  # False survives a crash of the program, not of the machine

    def options(self) -> dict[str, str]:
        """The server's settings; a commit is answered when it is written, in any case."""
        return {
            "shared_buffers": self.shared_buffers,
            "max_wal_size": self.max_wal_size,
            "max_connections": str(self.max_connections),
            "synchronous_commit": "on",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Rows may hold what must not be in a log: no statements, no details.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "dynamic_shared_memory_type": "posix" if _has_shared_memory() else "mmap",
        }


class Postgres:
    """The database server of one instance folder."""

    name = "postgres"

    def __init__(self, folder: Path, *, tuning: Tuning) -> None:
        self.identity, self._place = runas.choose(folder)
        self.data = self._place / "postgres"
        self._tuning = tuning
        self._programs = binaries.find_postgres(self.identity, major=_major(self.data))
        self._password = owner_password(folder)
        self._log = folder / "postgres.log"
        self._address = address.choose(
            self._place / "run", file=f".s.PGSQL.{SOCKET_PORT}", port=SOCKET_PORT
        )
        self._process: Process | None = None

    def url(self, database: str = DATABASE) -> str:
        """The address of one of its databases, as the owner of the tables."""
        return self._address.postgres_url(user=USER, password=self._password, database=database)

    @property
    def pid(self) -> int:
        """The postmaster's pid; raises RuntimeError when it was not started."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the postmaster runs."""
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Start or recover the server and make its database; raises EmbeddedError."""
        orphans.end(self.data / "postmaster.pid", folder=self.data)
        if not self.data.exists():
            self._create_cluster()
        self.identity.own(self.data)
        self._make_socket_folder()
        self._launch_until_ready()
        self._create_database()

    def stop(self) -> None:
        """Stop in order: roll back what is open, write all, end."""
        if self._process is not None:
            self._process.stop()

    def check_ours(self, url: str) -> None:
        """Raise ForeignData unless the server behind the address keeps its data in our folder."""
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute("show data_directory").fetchone()
        found = Path(row[0]) if row else Path()
        if found.resolve() != self.data.resolve():
            raise ForeignData(
                f"The server at our address keeps its data in {found}, not in {self.data}; "
                "nothing was changed."
            )

    def _create_cluster(self) -> None:
        # Made beside its place and renamed: a crash in the middle leaves no half cluster.
        scratch = self._place / "postgres.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        secret = self._place / "postgres.secret"
        secret.write_text(self._password)
        secret.chmod(0o600)
        for path in (scratch, secret):
            self.identity.own(path)
        try:
            answer = runas.run(self.identity, *self._initdb(scratch, secret))
        finally:
            secret.unlink()
        if answer.returncode:
            shutil.rmtree(scratch, ignore_errors=True)
            raise EmbeddedError(f"The database could not be made: {answer.stderr.strip()}")
        scratch.rename(self.data)

    def _initdb(self, folder: Path, secret: Path) -> list[str]:
        # The builtin provider lowers Russian alike on every system; before 17 the C library must.
        provider = ["--locale-provider=builtin"] if self._programs.major >= 17 else []
        return [
            self._programs.path("initdb"),
            *("-D", str(folder), "-U", USER, "-E", "UTF8", *provider, "--locale=C.UTF-8"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"),
            *([] if self._tuning.durable else ["--no-sync"]),
        ]

    def _make_socket_folder(self) -> None:
        if self._address.folder:
            self._address.folder.mkdir(mode=0o700, exist_ok=True)
            self.identity.own(self._address.folder)

    def _command(self) -> list[str]:
        listen = "" if self._address.folder else address.LOOPBACK
        where = {
            "listen_addresses": listen,
            "unix_socket_directories": str(self._address.folder or ""),
            "port": str(self._address.port),
        }
        settings = {**self._tuning.options(), **where}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [self._programs.path("postgres"), "-D", str(self.data), *options]

    def _launch_until_ready(self) -> None:
        """After a crash the old backends may hold the shared memory for some seconds: retry."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._process = Process(
                name=self.name,
                command=self._command(),
                log=self._log,
                environment=runas.plain_environment(),
                folder=Path("/"),
                identity=self.identity,
                stop_signal=signal.SIGINT,
                hard_signal=signal.SIGQUIT,
            )
            self._process.start()
            if self._becomes_ready(self._process):
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL does not start; its log is {self._log}.")
            time.sleep(0.2)

    def _becomes_ready(self, process: Process) -> bool:
        """True when it answers and is ours, False when it ended by itself."""
        begun = time.monotonic()
        while process.is_alive():
            try:
                self.check_ours(self.url("postgres"))
            except psycopg.OperationalError as error:
                # "the database system is starting up": it recovers, which may take its time.
                limit = RECOVERY_SECONDS if "database system is" in str(error) else START_SECONDS
                if time.monotonic() - begun > limit:
                    process.stop()
                    raise EmbeddedError(f"PostgreSQL does not answer: {error}") from None
                time.sleep(POLL_SECONDS)
            except ForeignData:
                process.stop()
                raise
            else:
                return True
        return False

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute(
                "select 1 from pg_database where datname = %s", [DATABASE]
            ).fetchone()
            if not known:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def _major(data: Path) -> int | None:
    """The version that made the data, None where there is none; raises ForeignData."""
    if not data.exists():
        return None
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except (OSError, ValueError):
        raise ForeignData(
            f"{data} is there but holds no PostgreSQL data; nothing was changed."
        ) from None


def owner_password(folder: Path) -> str:
    """The password of the servers, made once; it matters only where they listen on a port."""
    path = folder / "password"
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    password = secrets.token_urlsafe(24)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
    return password


def _has_shared_memory() -> bool:
    """Whether /dev/shm is large enough for parallel queries; containers often have 64 MB."""
    try:
        room = os.statvfs(SHARED_MEMORY)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize >= 256 * 1024 * 1024
