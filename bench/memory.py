"""The most memory that any of our processes took, asked of the kernel while they run."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

SECONDS = 0.2
PROC = Path("/proc")


class PeakMemory:
    """Watches this process and all that it started, the database's apart; in MB by what they do.

    Nothing is known where the kernel keeps no /proc.
    """

    def __init__(self) -> None:
        self.by_process: dict[str, float] = {"none seen": 0.0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS):
            for pid in _family():
                self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            status = (PROC / str(pid) / "status").read_text()
        except OSError:
            return  # it ended meanwhile
        values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if "VmHWM" not in values or not values["Name"].startswith("python"):
            return
        name = "the writer" if pid == os.getpid() else "a child"
        megabytes = int(values["VmHWM"].split()[0]) / 1024
        self.by_process.pop("none seen", None)
        self.by_process[name] = max(self.by_process.get(name, 0.0), megabytes)


def _family() -> list[int]:
    """This process and its descendants."""
    parents = {pid: _parent(pid) for pid in _pids()}
    family = [os.getpid()]
    for pid in family:
        family.extend(child for child, parent in parents.items() if parent == pid)
    return family


def _pids() -> list[int]:
    return (
        [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]
        if PROC.exists()
        else []
    )


def _parent(pid: int) -> int:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[1])
