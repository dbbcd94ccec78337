"""In which encoding a file is written: certain for Unicode, a scored guess for one-byte pages.

A guess is never silent: it becomes a question with a preview of what each reading would give.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import BinaryIO, Final, NamedTuple

from exchange.core.errors import Invalid
from exchange.leads import signatures
from exchange.leads.findings import Note, Question

UTF_8: Final = "utf-8"
# One-byte pages that Russian, Spanish and Malay files come in, likeliest first.
CODE_PAGES: Final = ("cp1251", "koi8-r", "cp1252", "cp866")
ENCODINGS: Final = (UTF_8, "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", *CODE_PAGES)

# The longer mark first: the one of UTF-32 begins with the one of UTF-16.
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Scripts of names and the signs of tables. Text read with swapped bytes is far outside.
_ORDINARY: Final = re.compile("[\t\n\r\x20-\x7e\xa0-\u06ff\u2000-\u206f\u20a0-\u20bf\ufeff]")
ORDINARY_SHARE: Final = 0.95
# Fewer bad bytes than this share of good letters are damage in UTF-8, not another encoding.
DAMAGE_SHARE: Final = 0.05
PREVIEW_LINES: Final = 5  # of a question about the encoding
_CHUNK: Final = 1 << 20
_LINE_ENDS: Final = (b"\n", b"\r")
_AROUND: Final = 1 << 18  # bytes of the lines around one that is no UTF-8


def from_mark(head: bytes) -> str | None:
    """The encoding that a byte order mark declares."""
    return next((encoding for mark, encoding in _BOMS if head.startswith(mark)), None)


def utf_16_without_mark(head: bytes) -> str | None:
    """UTF-16 by its pattern of NUL bytes, proven by text that makes sense."""
    if b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = head[: len(head) // 2 * 2].decode(encoding)
    except UnicodeDecodeError:
        return None
    ordinary = len(_ORDINARY.findall(text))
    return encoding if ordinary >= ORDINARY_SHARE * len(text) else None


def is_utf_8(data: bytes, *, is_whole: bool) -> bool:
    """Whether the bytes are UTF-8, or UTF-8 with a little damage; a cut end is no fault."""
    decoder = codecs.getincrementaldecoder(UTF_8)("surrogateescape")
    text = decoder.decode(data, final=is_whole)
    if text.isascii():
        return True
    bad = len(re.findall("[\udc80-\udcff]", text))
    good = len(re.findall("[^\x00-\x7f\udc80-\udcff]", text))
    return bad <= DAMAGE_SHARE * good


def decode(data: bytes, encoding: str, *, is_whole: bool) -> str:
    """Text of a file's first bytes, with what cannot be read marked as in `open_text`."""
    decoder = codecs.getincrementaldecoder(encoding)(errors_for(encoding))
    return decoder.decode(data, final=is_whole)


def errors_for(encoding: str) -> str:
    """How bytes that make no sense are kept visible: `UNREADABLE` finds them."""
    return "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"


UNREADABLE: Final = re.compile("[\ufffd\ud800-\udfff]")


def settle(
    head: bytes, odd: bytes, *, is_whole: bool, answers: Mapping[str, str]
) -> tuple[str, list[Question], list[Note]]:
    """The encoding, with what must be asked and what is stated about it.

    `odd` are later bytes that are no UTF-8. Raises FileReject(type) for what is no text, and
    Invalid for an answer that is no option.
    """
    if "encoding" in answers:
        return _answer(answers["encoding"].lower()), [], []
    if marked := from_mark(head):
        if marked == "utf-8-sig":
            signatures.refuse_other_text(head)
            return marked, [], [Note("bom")]
        return marked, [], [Note("encoding", marked)]
    if bare := utf_16_without_mark(head):
        return bare, [], [Note("encoding", bare)]
    signatures.refuse_other_text(head)
    if is_utf_8(head, is_whole=is_whole) and is_utf_8(odd, is_whole=False):
        return UTF_8, [], []
    guess = guess_code_page(head + b"\n" + odd)
    preview = {page: _readings(head + b"\n" + odd, page) for page in CODE_PAGES}
    question = Question("encoding", "encoding", CODE_PAGES, guess, preview)
    return guess, [question], [Note("encoding", guess)]


class Later(NamedTuple):
    """What all bytes of a file say: lines around the first that are no UTF-8, and how many lines.

    A record may have several lines and never less than one.
    """

    odd: bytes
    lines: int


def look_through(file: BinaryIO, head: bytes) -> Later:
    """Look at all bytes of a file behind its first, from where it stands."""
    decoder = codecs.getincrementaldecoder(UTF_8)()
    with suppress(UnicodeDecodeError):
        decoder.decode(_begun(head))
    odd, last, ends = b"", head, Counter[bytes]()
    chunk = head
    while chunk:
        ends.update({mark: chunk.count(mark) for mark in _LINE_ENDS})
        last, chunk = chunk, file.read(_CHUNK)
        if odd:
            continue
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            # Counted from the bytes that the decoder held back: at most three off.
            start = max(error.start - _AROUND // 2, 0)
            odd = chunk[start : start + _AROUND].partition(b"\n")[2] or b"\n"
    return Later(odd, max(ends.values(), default=0) + (not last.endswith(_LINE_ENDS)))


def _begun(head: bytes) -> bytes:
    """The character in whose middle the first bytes may end."""
    ends = (head[-count:] for count in range(1, 4))
    return next((end for end in ends if end[:1] >= b"\xc0"), b"")


def _readings(data: bytes, page: str) -> tuple[str, ...]:
    """The first lines that tell the encodings apart, read in one of them."""
    lines = [line for line in data.splitlines() if not line.isascii()]
    return tuple(line[:200].decode(page, "replace") for line in lines[:PREVIEW_LINES])


def _answer(answer: str) -> str:
    if answer not in ENCODINGS:
        raise Invalid(f"encoding is one of: {', '.join(ENCODINGS)}.", code="value_not_allowed")
    return answer


# How often letters stand in Russian words, in tenths of a percent, from the national corpus.
_RUSSIAN: Final = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
        (
            *(109, 85, 80, 74, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19, 17),
            *(17, 16, 16, 15, 12, 10, 9, 7, 6, 5, 4, 3, 3, 1, 1),
        ),
        strict=True,
    )
)
_WESTERN: Final = dict.fromkeys("áéíóúñüçàèìòùâêîôûäößãõåæø", 60)
_SAMPLE: Final = 20_000  # pairs of characters are enough


def guess_code_page(data: bytes) -> str:
    """The one-byte page in which the bytes look most like names."""
    lines = [line for line in data.splitlines() if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE]
    return max(CODE_PAGES, key=lambda page: _likeness(sample, page))


def _likeness(sample: bytes, page: str) -> float:
    """How much the letters behave like letters: frequent ones, in words of one script and case."""
    text = f" {sample.decode(page, 'replace')} "
    western = page == "cp1252"
    weights = _WESTERN if western else _RUSSIAN
    return sum(
        _weight(before, here, weights=weights, western=western)
        for before, here in pairwise(text)
        if not (before.isascii() and here.isascii())
    )


def _weight(before: str, here: str, *, weights: dict[str, int], western: bool) -> float:
    if here.isascii() or not here.isalpha():
        # Behind a letter of the page: an ASCII letter is at home in Western words only.
        if here.isascii():
            return (20 if western else -60) if here.isalpha() and before.isalpha() else 0
        return -5 if here in "«»№–—’“”…" else -150
    weight = weights.get(here.lower(), -100)
    if before.isalpha():
        if before.isascii() != western:  # two accents in a row, or two scripts in one word
            weight -= 120
        if here.isupper() and before.islower():
            weight -= 120
    return weight
