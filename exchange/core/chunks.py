"""The format of a stored file: AES-GCM in chunks, written once, read from anywhere.

A chunk's nonce is its number and its associated data says whether it is the last, so that chunks
cannot be exchanged, dropped or appended unseen, and a reader can seek without reading the rest.
Knows no application: a confined process reads with it too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK: Final = 1 << 18
TAG: Final = 16


class CannotUnlock(Exception):
    """The bytes do not open under this key: the wrong key, another row's bytes, or a change."""


class BytesExceeded(Exception):
    """The stream has more bytes than were allowed."""


@dataclass(frozen=True, slots=True)
class Written:
    """Size in bytes and hash of what was encrypted."""

    size: int
    sha256: bytes


def write(stream: IO[bytes], out: IO[bytes], *, secret: bytes, bytes_max: int) -> Written:
    """Encrypt a stream, never holding more than two chunks. Raises BytesExceeded."""
    digest, size, cipher = sha256(), 0, AESGCM(secret)
    for number, (chunk, last) in enumerate(_chunks(stream)):
        size += len(chunk)
        if size > bytes_max:
            raise BytesExceeded
        digest.update(chunk)
        out.write(cipher.encrypt(_nonce(number), chunk, _mark(last=last)))
    return Written(size, digest.digest())


def open_plain(path: Path, *, secret: bytes, size: int) -> BinaryIO:
    """A seekable reader of the plain bytes, `size` of them. Raises FileNotFoundError."""
    return io.BufferedReader(_Reader(path, secret, size), CHUNK)


class _Reader(io.RawIOBase):
    """Random access to the chunks; each is checked as it is read."""

    def __init__(self, path: Path, secret: bytes, size: int) -> None:
        self._file, self._cipher, self._size = path.open("rb"), AESGCM(secret), size
        self._last = max(0, (size - 1) // CHUNK)
        self._at, self._held, self._plain = 0, -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # Buffer is not in 3.11
        if self._at >= self._size:
            return 0
        number, start = divmod(self._at, CHUNK)
        piece = self._chunk(number)[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _chunk(self, number: int) -> bytes:
        if number != self._held:
            self._file.seek(number * (CHUNK + TAG))
            sealed = self._file.read(CHUNK + TAG)
            mark = _mark(last=number == self._last)
            try:
                self._plain = self._cipher.decrypt(_nonce(number), sealed, mark)
            except InvalidTag as error:
                raise CannotUnlock("the stored file was changed or cut") from error
            self._held = number
        return self._plain


def _chunks(stream: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    chunk = _read(stream)
    while True:
        following = _read(stream)
        yield chunk, not following
        if not following:
            return
        chunk = following


def _read(stream: IO[bytes]) -> bytes:
    """A whole chunk where the stream has one: a socket may give less at a time."""
    pieces, missing = [], CHUNK
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _mark(*, last: bool) -> bytes:
    return b"last" if last else b"more"
