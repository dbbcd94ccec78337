"""The exchange's own processes, as `exchange` starts them, on a database and a doorbell of a test.

Each listens on a free loopback port and is ended by its own process id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from exchange.cli.supervisor import Supervisor
from exchange.config import ROOT, Settings
from exchange.embedded.address import free_port
from exchange.embedded.process import Process
from tests.waiting import eventually

STOP_SECONDS = 20
LEAVING = "answers-leaving"  # in Redis: answers of the dawdling server, by process id


@dataclass(slots=True)
class Child:
    """One running process."""

    process: subprocess.Popen[bytes]
    url: str = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """End the process and all that it started without a chance to say goodbye."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the variables that a process reads."""
    named = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "EXCHANGE_SECRET_KEY": settings.secret_key,
        "EXCHANGE_MASTER_KEYS": settings.master_keys,
        "EXCHANGE_INSTANCE": settings.instance,
        "EXCHANGE_DATA": str(settings.data_folder),
        "EXCHANGE_BASE_URL": settings.base_url,
        "EXCHANGE_ARGON2_MEMORY_KIB": str(settings.argon2_memory_kib),
        "EXCHANGE_ARGON2_TIME_COST": str(settings.argon2_time_cost),
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_WEBHOOK_SECRET": settings.stripe_webhook_secret,
        "PYTHONPATH": str(ROOT),
    }
    if settings.stripe_api_url:
        named["STRIPE_API_URL"] = settings.stripe_api_url
    return {**os.environ, **named}


@contextmanager
def web(
    settings: Settings,
    *,
    port: int | None = None,
    application: str = "wsgi:app",
    log: Path | None = None,
) -> Iterator[Child]:
    """The web server, two processes of twelve threads, as in a real instance."""
    port = port or free_port()
    with _running(_granian(port, application), environment(settings), log) as child:
        child.url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(child.url), seconds=60)
        yield child


@dataclass(slots=True)
class Supervised:
    """A web server that comes back when it is killed, as under `exchange up`."""

    process: Process
    url: str

    def children(self) -> list[int]:
        """The processes that serve, by the master's own list; empty while it is dead."""
        return children_of(self.process.pid)

    def kill_master(self) -> None:
        """End the master alone: what it leaves behind is the supervisor's business."""
        os.kill(self.process.pid, signal.SIGKILL)


@contextmanager
def supervised_web(
    settings: Settings, *, application: str = "wsgi:app", log: Path | None = None
) -> Iterator[Supervised]:
    """The web server under the supervisor of `exchange up`."""
    port = free_port()
    process = Process(
        name="web",
        command=_granian(port, application),
        environment=environment(settings),
        folder=ROOT,
        log=log or settings.data_folder / "web.log",
    )
    supervisor, stop = Supervisor(lambda _said: None), threading.Event()
    supervisor.start(process)
    watch = threading.Thread(target=supervisor.watch, args=[stop.is_set])
    watch.start()
    try:
        server = Supervised(process, f"http://127.0.0.1:{port}")
        eventually(lambda: answers(server.url), seconds=60)
        yield server
    finally:
        stop.set()
        watch.join()
        supervisor.stop()


@contextmanager
def worker(settings: Settings, *, log: Path | None = None) -> Iterator[Child]:
    """A worker of every queue."""
    with _running(_exchange("worker"), environment(settings), log) as child:
        yield child


@contextmanager
def scheduler(settings: Settings, *, log: Path | None = None) -> Iterator[Child]:
    """The process that runs the sweeps."""
    with _running(_exchange("scheduler"), environment(settings), log) as child:
        yield child


def answers(url: str) -> bool:
    """Whether the web server serves pages."""
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def runs(pid: int) -> bool:
    """Whether the process runs; one that died and was not asked about yet does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(entry.parent.name))
    return found


def _granian(port: int, application: str) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--blocking-threads", "12"),
        *("--respawn-failed-workers", application),
    ]


def _exchange(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "exchange", *arguments]


@contextmanager
def _running(command: list[str], variables: Mapping[str, str], log: Path | None) -> Iterator[Child]:
    output = log.open("ab") if log else subprocess.DEVNULL
    process = subprocess.Popen(
        command, env=variables, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
    )
    child = Child(process)
    try:
        yield child
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        if log:
            output.close()  # type: ignore[union-attr]  # a file, since there is a log
