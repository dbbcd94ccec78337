"""Files are read in a confined child: this is the side that asks and cannot be hurt.

A child has a gigabyte, seconds that are stated here, no database, no network and no key but the
file's own. It ends with whoever asked, even by kill -9, and nobody waits for it forever.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from exchange.config import ROOT
from exchange.core.chunks import CannotUnlock
from exchange.core.errors import Invalid, NotFound
from exchange.leads import confined_child as child
from exchange.leads.findings import FileReject, Question
from exchange.leads.findings import Note as FoundNote
from exchange.leads.reading import LIMITS, Limits, Recognition

log = logging.getLogger(__name__)

START_SECONDS: Final = 60.0  # for the nursery to import what it needs


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a child may use; seconds are the processor's where nothing else is said."""

    memory: int = 1 << 30  # bytes of address space
    recognition: int = 30
    reading: int = 60
    reading_per_megabyte: int = 1  # of the stored file
    silence: float = 120.0  # seconds on the wall without a word from the child

    def reading_seconds(self, size: int) -> int:
        """Seconds for a file of so many bytes."""
        return self.reading + self.reading_per_megabyte * size // 1_000_000


BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where the encrypted file lies, its key, and its size in bytes."""

    path: Path
    secret: bytes = field(repr=False)
    size: int


def examine(
    file: StoredFile,
    *,
    answers: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
    bounds: Bounds = BOUNDS,
) -> Recognition:
    """What `reading.examine` says of the file, found out in a child.

    Raises what it raises, and FileReject(too_demanding) for a child that its bounds ended.
    """
    request = _request(
        file,
        limits=limits,
        bounds=bounds,
        answers=dict(answers or {}),
        settings=None,
        cpu=bounds.recognition,
    )
    with closing(_Child(request, bounds.silence)) as reader:
        return _recognition(json.loads(next(reader.payloads(child.FOUND))))


@contextmanager
def blocks(
    file: StoredFile,
    recognition: Recognition,
    *,
    limits: Limits = LIMITS,
    bounds: Bounds = BOUNDS,
) -> Iterator[Iterator[bytes]]:
    """The rows below the header in blocks as `confined_child.blocks` packs them.

    Raises what `reading.rows` raises when its row would come, and FileReject(too_demanding). The
    child ends with the block.
    """
    request = _request(
        file,
        limits=limits,
        bounds=bounds,
        settings=recognition.settings(),
        cpu=bounds.reading_seconds(file.size),
    )
    with closing(_Child(request, bounds.silence)) as reader:
        yield reader.payloads(child.BLOCK)


def _request(file: StoredFile, *, limits: Limits, bounds: Bounds, **told: object) -> bytes:
    request = {
        **told,
        "path": str(file.path),
        "secret": file.secret.hex(),
        "size": file.size,
        "memory": bounds.memory,
        "limits": asdict(limits),
    }
    return child.frame(child.REQUEST, json.dumps(request).encode())


class _Child:
    """One child, from its request to its end."""

    def __init__(self, request: bytes, silence: float) -> None:
        self._channel, theirs = socket.socketpair()
        read_end, self._lifeline = os.pipe()
        self._channel.settimeout(silence)
        self._stream = self._channel.makefile("rb")
        try:
            NURSERY.send(theirs.fileno(), read_end)
        finally:
            theirs.close()
            os.close(read_end)
        with suppress(OSError):  # a child that has ended already shows when it is read
            self._channel.sendall(request)

    def payloads(self, kind: bytes) -> Iterator[bytes]:
        """What the frames of this kind hold, until the child is done."""
        while True:
            found, payload = self._next()
            if found == child.DONE:
                return
            if found != kind:
                _raise(found, payload)
            yield payload

    def close(self) -> None:
        """End the child, wherever it is."""
        os.close(self._lifeline)
        self._stream.close()
        self._channel.close()

    def _next(self) -> tuple[bytes, bytes]:
        """The next frame. A child that says nothing more was ended by its limits."""
        try:
            head = self._stream.read(child.HEAD.size)
            kind, size = child.HEAD.unpack(head) if len(head) == child.HEAD.size else (b"", 0)
            payload = self._stream.read(size) if size <= child.ANSWER_MAX else b""
        except OSError:  # also when it has been silent for too long
            kind, size, payload = b"", 0, b""
        if not kind or len(payload) < size:
            log.warning("a file was too demanding for its reader")
            raise FileReject("too_demanding")
        return kind, payload


def _raise(kind: bytes, payload: bytes) -> None:
    """Raise here what was raised in the child."""
    told = json.loads(payload)
    if kind == child.REFUSED:
        raise FileReject(told["code"], told["sentence"], **told["facts"])
    if kind == child.INVALID:
        raise Invalid(told["detail"], code=told["code"])
    if told["type"] == "MemoryError":
        raise FileReject("too_demanding")
    if told["type"] == CannotUnlock.__name__:
        raise CannotUnlock("the stored file was changed or cut")
    if told["type"] == FileNotFoundError.__name__:
        raise NotFound("The file is no longer kept.")
    log.error("the reader of files failed with %s at %s", told["type"], told["at"])
    raise FileReject("damaged")


def _recognition(told: Mapping[str, Any]) -> Recognition:  # Any: JSON
    questions = (
        Question(
            asked["code"],
            asked["field"],
            tuple(asked["options"]),
            asked["guess"],
            {option: tuple(lines) for option, lines in asked["preview"].items()},
        )
        for asked in told["questions"]
    )
    return Recognition(
        **{
            **told,
            "header": tuple(told["header"]),
            "questions": tuple(questions),
            "notes": tuple(FoundNote(**note) for note in told["notes"]),
            "sample": tuple(tuple(cells) for cells in told["sample"]),
        }
    )


class _Nursery:
    """The process that forks the children of this one; started when the first is wanted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def send(self, *descriptors: int) -> None:
        """Have a child forked that owns these. Starts a nursery anew where it was killed."""
        with self._lock:
            if self._requests is not None:
                with suppress(OSError):
                    socket.send_fds(self._requests, [child.REQUEST], descriptors)
                    return
                self._stop()
            requests = self._start()
            socket.send_fds(requests, [child.REQUEST], descriptors)

    def stop(self) -> None:
        """End the nursery; its children end with those who asked for them."""
        with self._lock:
            self._stop()

    def forget(self) -> None:
        """In a fork: the nursery is the parent's, whose children this process cannot wait for."""
        self._lock = threading.Lock()
        if self._process is not None:
            self._process.returncode = 0  # so that nobody here waits for it
        if self._requests is not None:
            self._requests.close()
        self._requests = self._process = None

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own module, no argument from outside
                [sys.executable, "-m", child.__name__, str(theirs.fileno())],
                env={"PYTHONPATH": str(ROOT)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # a terminal's Ctrl-C is for its parent
            )
        ours.settimeout(START_SECONDS)
        if ours.recv(1) != child.DONE:
            raise RuntimeError("the reader of files did not start")
        ours.settimeout(None)
        self._requests = ours
        return ours

    def _stop(self) -> None:
        if self._requests is not None:
            self._requests.close()
        if self._process is not None:
            self._process.wait()
        self._requests = self._process = None


NURSERY: Final = _Nursery()
atexit.register(NURSERY.stop)
os.register_at_fork(after_in_child=NURSERY.forget)
