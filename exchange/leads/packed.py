"""What is packed, unpacked within bounds: a gzip of one file, and the members of a zip.

Bytes are counted while they are unpacked; what a directory says of its sizes is only a reason to
refuse earlier.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from exchange.leads import signatures
from exchange.leads.findings import FileReject

UNPACKED_MAX: Final = 1_500_000_000  # bytes
RATIO_MAX: Final = 50
SMALL: Final = 4_000_000  # unpacked bytes for which no ratio is asked
MEMBERS_MAX: Final = 200
_CHUNK: Final = 1 << 18
_LOCAL: Final = struct.Struct("<4s5H3I2H")  # what stands before the name of a zip's member
_BROKEN: Final = (EOFError, zlib.error, gzip.BadGzipFile)
_BROKEN_ZIP: Final = (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError)


def opened(file: BinaryIO) -> BinaryIO:
    """The file itself, or what was packed in it by gzip, seekable.

    Raises FileReject: `damaged`, `incomplete` or `zip_ratio`, also while it is read.
    """
    file.seek(0)
    is_packed = signatures.is_gzip(file.read(2))
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return io.BufferedReader(_Unpacked(file, size), _CHUNK) if is_packed else file


def most_unpacked(packed: int) -> int:
    """How many bytes so many packed ones may become."""
    return min(UNPACKED_MAX, max(SMALL, RATIO_MAX * packed))


class _Unpacked(io.RawIOBase):
    """Reads through a gzip, several members of one file included; leaves the file open."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = gzip.GzipFile(fileobj=file, mode="rb")
        self._most = most_unpacked(size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            while self.read(_CHUNK):
                pass
            return self._file.tell()
        with _Refusing():
            return self._file.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # Buffer is not in 3.11
        with _Refusing():
            count = self._file.readinto(buffer)
        if self._file.tell() > self._most:
            raise FileReject("zip_ratio")
        return count


class _Refusing:
    """Turns what the library says of a broken file into ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is not None and issubclass(kind, EOFError):
            raise FileReject("incomplete") from None
        if kind is not None and issubclass(kind, _BROKEN):
            raise FileReject("damaged") from None


def members(file: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    """The members of a zip by name, checked by its directory before anything is unpacked.

    Raises FileReject: `incomplete`, `damaged`, `encrypted`, `zip_members` or `zip_ratio`.
    """
    try:
        found = zipfile.ZipFile(file).infolist()
    except _BROKEN_ZIP:
        # The directory stands at the end: without it the file was cut.
        raise FileReject("incomplete") from None
    if len(found) > MEMBERS_MAX:
        raise FileReject("zip_members", found=len(found), limit=MEMBERS_MAX)
    if any(member.flag_bits & 1 for member in found):
        raise FileReject("encrypted")
    _refuse_tricks(found)
    packed = sum(member.compress_size for member in found)
    if sum(member.file_size for member in found) > most_unpacked(packed):
        raise FileReject("zip_ratio")
    if any(m.file_size > most_unpacked(m.compress_size) for m in found):
        raise FileReject("zip_ratio")
    return {member.filename: member for member in found}


def _refuse_tricks(found: list[zipfile.ZipInfo]) -> None:
    """Names that lead elsewhere or come twice, ways of packing that are unusual, overlaps."""
    names = [member.filename.lower() for member in found]
    strange = any("\\" in name or name.startswith("/") or ".." in name for name in names)
    usual = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    if strange or len(set(names)) < len(names) or any(m.compress_type not in usual for m in found):
        raise FileReject("damaged")
    end = 0
    for member in sorted(found, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise FileReject("zip_ratio")
        end = member.header_offset + _LOCAL.size + member.compress_size


def unpacked(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a member. Raises FileReject(zip_ratio) where the directory lied about them."""
    file.seek(member.header_offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size:
        raise FileReject("incomplete")
    *_, name_size, extra_size = _LOCAL.unpack(head)
    file.seek(name_size + extra_size, io.SEEK_CUR)
    count = 0
    for piece in _inflated(file, member):
        count += len(piece)
        if count > member.file_size:
            raise FileReject("zip_ratio")
        yield piece
    if count < member.file_size:
        raise FileReject("damaged")


def _inflated(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    left = member.compress_size
    inflate = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    while left and (packed := file.read(min(left, _CHUNK))):
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        with _Refusing():
            piece = inflate.decompress(packed, _CHUNK)
        yield piece
        while inflate.unconsumed_tail:
            with _Refusing():
                piece = inflate.decompress(inflate.unconsumed_tail, _CHUNK)
            yield piece
