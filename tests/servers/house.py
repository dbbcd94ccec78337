"""The exchange's own processes, as `exchange` starts them, on a database and a doorbell of a test.

Each listens on a free loopback port and is ended by its own process id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from exchange.config import ROOT, Settings
from exchange.embedded.address import free_port
from tests.waiting import eventually

STOP_SECONDS = 20


@dataclass(slots=True)
class Child:
    """One running process."""

    process: subprocess.Popen[bytes]
    url: str = ""

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
    settings: Settings, *, application: str = "wsgi:app", log: Path | None = None
) -> Iterator[Child]:
    """The web server, two processes of four threads, as in a real instance."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", application),
    ]
    with _running([sys.executable, "-m", *command], {**environment(settings)}, log) as child:
        child.url = url
        eventually(lambda: answers(url), seconds=60)
        yield child


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
