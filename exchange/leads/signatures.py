"""Which kind of file the first bytes say it is; what is no text table is refused with advice."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Final

from exchange.leads.findings import N_, FileReject

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIPS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_GZIP: Final = b"\x1f\x8b"
_WORKBOOK: Final = (b"[Content_Types].xml", b"xl/", b"_rels/.rels", b"docProps/")
_ARCHIVES: Final = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_KINDS: Final = {
    b"%PDF": N_("a PDF document"),
    b"\x89PNG": N_("a picture"),
    b"\xff\xd8\xff": N_("a picture"),
    b"GIF8": N_("a picture"),
    b"MZ": N_("a program"),
    b"\x7fELF": N_("a program"),
    b"{\\rtf": N_("a text document"),
    b"SQLite format 3": N_("a database"),
    b"PAR1": N_("a data file"),
}
_MARKUP: Final = re.compile(
    rb"(?:<\?xml|<!doctype|<html|<table|<head|<meta|<workbook)\b", re.IGNORECASE
)
_JSON: Final = re.compile(r'\{\s*"[^"]*"\s*:|\[\s*[\[{]')
# NUL is left out: an embedded one costs its row alone, and UTF-16 is full of them.
_CONTROL: Final = bytes(code for code in range(1, 32) if code not in b"\t\n\v\f\r\x1a\x1b")
CONTROL_SHARE: Final = 0.02  # of text; measured on programs and pictures it is above 0.1

CONTROLS_MIN: Final = 8  # a few in a short text are slips, and cost their rows alone


def is_gzip(head: bytes) -> bool:
    """Whether the bytes begin as gzip's do; no text begins so."""
    return head.startswith(_GZIP)


def is_ole(head: bytes) -> bool:
    """Whether it is a container of the old Office formats, or a protected file of the new ones."""
    return head.startswith(_OLE)


def ole_directory_at(head: bytes) -> int:
    """Where such a container lists its streams, in bytes, as its header says."""
    first = int.from_bytes(head[48:52], "little")
    return (first + 1) << min(int.from_bytes(head[30:32], "little"), 12)


def is_workbook(head: bytes) -> bool:
    """Whether a zip begins as Excel's workbooks do; its parts are looked at later."""
    return head.startswith(_ZIPS) and any(mark in head for mark in _WORKBOOK)


def refuse_other_kinds(head: bytes) -> None:
    """Raise FileReject with `type`, `archive`, `xls_old` or `encrypted`, or let text pass."""
    if is_ole(head):
        # A protected workbook is an OLE container with this stream in it.
        is_encrypted = "EncryptedPackage".encode("utf-16-le") in head
        raise FileReject("encrypted" if is_encrypted else "xls_old")
    if head.startswith(_ZIPS):
        _refuse_zip(head)
    for magic, kind in _ARCHIVES.items():
        # "BZh" may begin a header, the other signatures hold bytes that text does not.
        if head.startswith(magic) and (kind != "bzip2" or head[4:10] == b"1AY&SY"):
            raise FileReject("archive", kind=kind)
    if head[257:262] == b"ustar":
        raise FileReject("archive", kind="tar")
    for magic, kind in _KINDS.items():
        # "MZ" may begin a header; a program has NUL bytes close behind it.
        if head.startswith(magic) and (magic != b"MZ" or b"\0" in head[:64]):
            raise FileReject("type", kind=kind)


def _refuse_zip(head: bytes) -> None:
    if b"mimetypeapplication/vnd.oasis" in head:
        raise FileReject("type", kind=N_("an OpenDocument file"))
    raise FileReject("archive", kind="zip")


def refuse_other_text(head: bytes) -> None:
    """Raise FileReject(type) for markup and bytes that are no text.

    Not for UTF-16, where letters of other scripts are control bytes; what has the mark of UTF-8
    is text.
    """
    is_marked = head.startswith(BOM_UTF8)
    text = head.removeprefix(BOM_UTF8).lstrip()
    if _MARKUP.match(text):
        raise FileReject("type", kind=N_("a web page or XML"))
    controls = len(head) - len(head.translate(None, _CONTROL))
    if not is_marked and controls > max(CONTROL_SHARE * len(head), CONTROLS_MIN):
        raise FileReject("type", kind=N_("a binary file"))


def refuse_json(text: str) -> None:
    """Raise FileReject(type) for JSON that is not one object on each line."""
    if _JSON.match(text.lstrip("\ufeff \t\r\n")):
        raise FileReject("type", kind=N_("JSON over several lines or in one array"))
