"""What a killed owner left behind: ended before a new start, if it is provably ours.

A pid in a file proves nothing: after a restart of the machine, or in a container, it may be
anybody's, and a zombie still answers to it. The process must work in our folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

from exchange.embedded import runas

STOP_SECONDS: Final = 10
PROCESSES: Final = Path("/proc")


def end(pid_file: Path, *, folder: Path) -> None:
    """Stop the process that the file names if it works in the folder, then forget the file."""
    pid = _read(pid_file)
    if pid is None:
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if not works_in(pid, folder):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        _wait(pid, folder)
    pid_file.unlink(missing_ok=True)


def works_in(pid: int, folder: Path) -> bool:
    """Whether that process runs and works in the folder; a zombie works nowhere."""
    if PROCESSES.exists():
        try:
            return (PROCESSES / str(pid) / "cwd").readlink() == folder.resolve()
        except OSError:
            return False
    answer = runas.run(runas.OURSELVES, "ps", "-p", str(pid), "-o", "command=")
    return str(folder) in answer.stdout


def _read(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n")[0])
    except (OSError, ValueError):
        return None


def _wait(pid: int, folder: Path) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while works_in(pid, folder) and time.monotonic() < deadline:
        time.sleep(0.02)
