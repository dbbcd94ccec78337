"""Files outside the database, always encrypted under a key of their own.

A file is whole under its name or not there at all: until its last byte it is a part, which
belongs to the process that holds its lock.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, BinaryIO

from flask import Flask, current_app

from exchange.core.chunks import BytesExceeded, open_plain, write
from exchange.core.errors import NotFound, TooLarge


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file after it was put: its size in bytes and the hash of its content."""

    key: str
    size: int
    sha256: bytes


def put(key: str, stream: IO[bytes], *, secret: bytes, bytes_max: int) -> StoredFile:
    """Encrypt a stream into the store.

    Raises TooLarge beyond `bytes_max` and leaves nothing behind on any failure.
    """
    path = _path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            written = write(stream, out, secret=secret, bytes_max=bytes_max)
            out.flush()
            os.fsync(out.fileno())
            part.rename(path)
    except BytesExceeded as error:
        raise TooLarge(f"The file is larger than {bytes_max // 1_000_000} MB.") from error
    finally:
        part.unlink(missing_ok=True)
    return StoredFile(key, written.size, written.sha256)


def open_file(key: str, *, secret: bytes, size: int) -> BinaryIO:
    """A seekable reader of the plain bytes. Raises NotFound when the file was deleted."""
    return open_plain(path_of(key), secret=secret, size=size)


def path_of(key: str) -> Path:
    """Where the encrypted file lies. Raises NotFound when it was deleted."""
    path = _path(key)
    if not path.exists():
        raise NotFound("The file is no longer kept.")
    return path


def delete(key: str) -> None:
    """Remove the file; removing it twice is fine."""
    _path(key).unlink(missing_ok=True)


def remove_abandoned(*, age: timedelta) -> int:
    """Remove parts that killed processes left behind, and say how many.

    A part is left alone while it is younger than `age` or somebody still writes it: the kernel
    frees the lock of a process that died.
    """
    folder: Path = current_app.extensions["storage"]
    oldest = _before(age)
    return sum(_remove_abandoned(part, oldest) for part in folder.glob("*/*.part"))


def keys(*, prefix: str, age: timedelta) -> list[str]:
    """The keys of this kind under which files have been kept for longer than `age`."""
    folder: Path = current_app.extensions["storage"]
    oldest = _before(age)
    return [
        path.name
        for path in folder.glob(f"*/{prefix}*")
        if not path.suffix and path.stat().st_mtime <= oldest
    ]


def _before(age: timedelta) -> float:
    """That long ago by the machine's own clock, by which files are as old as they are.

    The exchange's clock may be days ahead in a sandbox; an upload under way would look forgotten.
    """
    return time.time() - age.total_seconds()


def _remove_abandoned(part: Path, oldest: float) -> bool:
    with suppress(FileNotFoundError, BlockingIOError), part.open("rb") as file:
        if os.fstat(file.fileno()).st_mtime <= oldest:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
            return True
    return False


def init_app(app: Flask, folder: Path) -> None:
    """Keep files below `folder`."""
    app.extensions["storage"] = folder / "files"


def _path(key: str) -> Path:
    folder: Path = current_app.extensions["storage"]
    assert "/" not in key
    assert "." not in key
    return folder / key[-2:] / key
