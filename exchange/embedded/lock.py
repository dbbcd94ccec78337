"""One owner per folder: a lock that the kernel takes back when its owner dies in any way."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from exchange.embedded.errors import InUse


class FolderLock:
    """The right to run the servers of one folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._descriptor = -1

    def take(self) -> None:
        """Take the lock; raises InUse, naming the owner, where another process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(descriptor, fcntl.LOCK_EX):
            owner = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise InUse(self._path.parent, owner)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def is_held(folder: Path) -> bool:
    """Whether a living process owns the folder now."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    # Somebody who only asks holds the lock for an instant: ask more than once.
    for _ in range(5):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False
