"""Processes of ours: started on a leash, watched and stopped by their own pid, never by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from exchange.embedded.runas import OURSELVES, Identity, leashed

LOG_BYTES_MAX = 10_000_000
LAST_WORDS_BYTES = 2_000


@dataclass(slots=True, kw_only=True)
class Process:
    """One child in a process group of its own, which ends when its starter ends."""

    name: str
    command: Sequence[str]
    log: Path | None = None  # None: where the starter itself writes
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    identity: Identity = OURSELVES
    stop_signal: signal.Signals = signal.SIGTERM
    hard_signal: signal.Signals = signal.SIGKILL
    _child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The pid of the running child; raises RuntimeError when none was started."""
        if self._child is None:
            raise RuntimeError("not started")
        return self._child.pid

    def start(self) -> None:
        """Start the child; raises RuntimeError if it runs already."""
        if self.is_alive():
            raise RuntimeError("already running")
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(open_log(self.log)) if self.log else None
            # The child is watched and stopped by this object, not by a `with` here.
            self._child = subprocess.Popen(  # noqa: S603  # no shell; the commands are ours
                leashed(self.command, identity=self.identity, signal_number=self.stop_signal),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT if sink else None,
                env=None if self.environment is None else dict(self.environment),
                cwd=self.folder,
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        """Whether the child runs; a dead one is reaped by asking, with all it left behind."""
        if self._child is None or self._child.returncode is not None:
            return False
        if self._child.poll() is None:
            return True
        self._end_group(self._child)
        return False

    def exit_code(self) -> int | None:
        """How the child ended, negative for a signal; None while it runs or before it started."""
        return None if self._child is None else self._child.poll()

    def last_words(self) -> str:
        """The last line of its log, which usually says why it ended; empty without a log."""
        if self.log is None or not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - LAST_WORDS_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def stop(self, *, patience: float = 15) -> None:
        """Ask the child to stop, insist after `patience` seconds, leave nothing of its group."""
        child = self._child
        if child is None:
            return
        self._end(child, self.stop_signal, patience)
        self._end(child, self.hard_signal, patience)
        if self.is_alive():
            child.kill()
            child.wait()
        self._end_group(child)

    @staticmethod
    def _end_group(child: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)

    @staticmethod
    def _end(child: subprocess.Popen[bytes], number: signal.Signals, patience: float) -> None:
        if child.poll() is None:
            child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(patience)


def open_log(path: Path) -> BinaryIO:
    """The file to append to; a log past its size becomes `<name>.1` first."""
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
