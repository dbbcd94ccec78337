"""The supervisor and `exchange up`: what dies comes back, and nothing stays when it is told to end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exchange import embedded
from exchange.cli.supervisor import Supervisor
from exchange.config import ROOT
from exchange.embedded.address import LOOPBACK, free_port, reserve
from exchange.embedded.process import LOG_BYTES_MAX, Process
from tests.waiting import eventually

SLEEPER = "import time; time.sleep(600)"
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
child.wait()
"""
DEAF = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
)


def python(program: str, **options: object) -> Process:
    return Process(name="child", command=[sys.executable, "-c", program], **options)  # type: ignore[arg-type]  # a test's own keywords


def runs(pid: int) -> bool:
    """Whether the process runs; one that died and was not asked about yet does not."""
    status = Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestProcess:
    def test_stops_with_all_it_started(self, tmp_path: Path) -> None:
        process = python(PARENT, log=tmp_path / "log")
        process.start()
        eventually(lambda: (tmp_path / "log").read_text().strip())
        grandchild = int((tmp_path / "log").read_text())
        process.stop()
        assert not process.is_alive()
        eventually(lambda: not runs(grandchild))

    def test_deaf_process_is_ended_too(self, tmp_path: Path) -> None:
        process = python(DEAF, log=tmp_path / "log")
        process.start()
        eventually(lambda: (tmp_path / "log").read_text().strip())
        process.stop(patience=0.1)
        assert process.exit_code() == -signal.SIGKILL

    def test_second_start_is_refused(self) -> None:
        process = python(SLEEPER)
        process.start()
        with pytest.raises(RuntimeError, match="already running"):
            process.start()
        process.stop()

    def test_stopping_what_never_started_is_harmless(self) -> None:
        process = python(SLEEPER)
        process.stop()
        assert process.exit_code() is None

    def test_long_log_is_set_aside(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_bytes(b"x" * (LOG_BYTES_MAX + 1))
        process = python("print('new')", log=log)
        process.start()
        eventually(lambda: not process.is_alive())
        assert log.read_text() == "new\n"
        assert (tmp_path / "log.1").stat().st_size > LOG_BYTES_MAX


class TestSupervisor:
    @pytest.fixture
    def said(self) -> list[str]:
        return []

    @pytest.fixture
    def supervisor(self, said: list[str]) -> Iterator[Supervisor]:
        supervisor = Supervisor(said.append)
        yield supervisor
        supervisor.stop()

    def test_starts_again_what_died(self, supervisor: Supervisor, said: list[str]) -> None:
        process = python(SLEEPER)
        supervisor.start(process)
        first = process.pid
        os.kill(first, signal.SIGKILL)
        supervisor.watch(until=lambda: process.is_alive() and process.pid != first)
        assert said == ["child ended with -9; starting it again."]
        assert supervisor.deaths("child") == 1

    def test_repeats_the_last_words_of_the_dead(
        self, supervisor: Supervisor, said: list[str], tmp_path: Path
    ) -> None:
        supervisor.start(python("raise SystemExit('no disk')", log=tmp_path / "log"))
        supervisor.watch(until=lambda: bool(said))
        assert said == ["child ended with 1 (no disk); starting it again."]

    def test_waits_longer_each_time(self, supervisor: Supervisor, said: list[str]) -> None:
        supervisor.start(python("raise SystemExit(1)"))
        supervisor.watch(until=lambda: len(said) >= 3)
        delay = supervisor._watched[0].delay
        assert delay == pytest.approx(0.8)

    def test_stops_the_last_started_first(self) -> None:
        order: list[str] = []

        class Recorder:
            def __init__(self, name: str) -> None:
                self.name = name

            def start(self) -> None:
                order.append(f"+{self.name}")

            def is_alive(self) -> bool:
                return True

            def stop(self) -> None:
                order.append(f"-{self.name}")

        supervisor = Supervisor(order.append)
        for name in ("database", "web"):
            supervisor.start(Recorder(name))
        supervisor.stop()
        assert order == ["+database", "+web", "-web", "-database"]


class TestUp:
    """The whole program: slow, and the only test that sees all its processes together."""

    def start(self, folder: Path, port: int) -> subprocess.Popen[str]:
        hidden = ("DATABASE_", "REDIS_", "EXCHANGE_", "STRIPE_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        return subprocess.Popen(
            [sys.executable, "-m", "exchange", "up", "--sandbox", "--port", str(port)],
            cwd=ROOT,
            env={**environment, "EXCHANGE_DATA": str(folder)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @pytest.fixture
    def folder(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        path = tmp_path_factory.mktemp("up")
        yield path
        embedded.erase(path)

    def test_serves_refuses_a_second_and_leaves_nothing(self, folder: Path) -> None:
        port = free_port()
        with self.start(folder, port) as up:
            assert up.stdout
            assert up.stdout.readline() == f"Ready: http://localhost:{port}\n"
            assert self.status(port) == 200
            with self.start(folder, free_port()) as second:
                _, said = second.communicate(timeout=60)
            assert second.returncode == 1
            assert f"running already. See http://localhost:{port}" in said
            children = self.descendants(up.pid)
            assert len(children) > 8
            up.send_signal(signal.SIGINT)
            assert up.wait(60) == 0
            eventually(lambda: not [pid for pid in children if runs(pid)])

    def test_killed_in_the_middle_leaves_nothing(self, folder: Path) -> None:
        with self.start(folder, free_port()) as up:
            eventually(lambda: len(self.descendants(up.pid)) > 8, seconds=60)
            children = self.descendants(up.pid)
            up.kill()
            up.communicate()
            eventually(lambda: not [pid for pid in children if runs(pid)])

    def test_taken_port_is_said(self, folder: Path) -> None:
        with closing(socket.socket()) as other:
            other.bind((LOOPBACK, 0))
            other.listen()
            port = other.getsockname()[1]
            assert reserve(LOOPBACK, port) is None
            with self.start(folder, port) as up:
                _, said = up.communicate(timeout=60)
        assert up.returncode == 1
        assert f"Port {port} of {LOOPBACK} is taken" in said

    def test_reserved_port_serves_its_holder_and_nobody_else(self) -> None:
        keeper = reserve(LOOPBACK, free_port())
        assert keeper
        port = keeper.getsockname()[1]
        with keeper, closing(socket.socket()) as server:
            assert reserve(LOOPBACK, port) is None
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            server.bind((LOOPBACK, port))
            server.listen()
            with closing(socket.create_connection((LOOPBACK, port), timeout=5)):
                connection, _ = server.accept()
                connection.close()

    @staticmethod
    def status(port: int) -> int:
        with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=20)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status

    @staticmethod
    def descendants(pid: int) -> list[int]:
        parents = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(entry.parent.name)] = int(
                    entry.read_text().rpartition(")")[2].split()[1]
                )
            except (FileNotFoundError, ProcessLookupError):
                continue
        found: list[int] = []
        wave = {pid}
        while wave := {child for child, parent in parents.items() if parent in wave}:
            found += wave
        return found
