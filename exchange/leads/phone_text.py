"""The text of a phone cell, before anybody counts its digits: what it says and how it was written.

What spreadsheets, people and keyboards do to numbers is undone and noted, or refused by name.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

DIGITS_MAX: Final = 15  # of a number in E.164
SHORT_CODE_MAX: Final = 6  # digits; emergency numbers and services
PART_MIN: Final = 7  # digits that make a part of a cell a number of its own
VANITY_DIGITS: Final = 9  # with as many digits, letters beside them are no part of the number
TEXT_MAX: Final = 80  # characters: two written numbers fit in, so that the reason can be told
RAW_MAX: Final = 300  # characters that are looked at more closely


class PhoneProblem(ValueError):
    """A cell that is no usable phone. The code is stable; the text is never repeated."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PhoneText(NamedTuple):
    """A number as ASCII digits with a plus in front where it was written with one."""

    number: str
    extension: str = ""
    notes: tuple[str, ...] = ()  # what was changed, reversibly
    reviews: tuple[str, ...] = ()  # what a person must look at


_SIMPLE: Final = re.compile(r"\+?\d{7,15}", re.ASCII)
_WRITTEN: Final = re.compile(r"[\s(]*\+?[\d\s().-]*", re.ASCII)
_PUNCTUATION: Final = dict.fromkeys(map(ord, " \t\n\r\v\f()-.+"))
_LABEL: Final = re.compile(
    r"(?:tel|phone|mobile|mob|cell|тел|телефон|моб|сот)(?:\.|:|\s)\s*:?\s*(?=[+(\d])", re.IGNORECASE
)
_EXTENSION: Final = re.compile(
    r"(?:\s*;\s*ext\s*=|,,|\s*#|[\s,;(]*(?:extension|ext|доб|вн|[xх])(?:\.|:|\s)*)\s*(\d{1,7})\)?",
    re.IGNORECASE,
)
_SCIENTIFIC: Final = re.compile(r"\+?(\d)(?:[.,](\d+))?[eEеЕ]\+?(\d\d?)", re.ASCII)
_FLOAT: Final = re.compile(r"(\+?\d{7,15})[.,]0+", re.ASCII)
_BETWEEN: Final = re.compile(r"[/,;|&\n]|\s(?:or|and|и|или|y|o|atau|dan)\s", re.IGNORECASE)
# A word with the digits of a whole number.
_LONG_PART: Final = re.compile(r"(?:\d[().-]*){7,}", re.ASCII)
_VANITY: Final = re.compile(r"[+(\d][\d\s().-]*[A-Za-z]{3}[A-Za-z\d\s.-]*", re.ASCII)
# These turn the order of what follows, so that people saw another number.
_REVERSING: Final = frozenset("\u202b\u202e\u2067")
_DASHES: Final = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")


def read_text(raw: str) -> PhoneText:
    """The number in a cell. Raises PhoneProblem."""
    if _SIMPLE.fullmatch(raw):
        return PhoneText(raw)
    if len(raw) > RAW_MAX:
        raise PhoneProblem(_code_of_long(raw))
    if _WRITTEN.fullmatch(raw) and not _FLOAT.fullmatch(raw):
        return PhoneText(_digits(raw))
    notes: list[str] = []
    reviews: list[str] = []
    text = _visible(raw, notes, reviews).strip()
    text = _without_spreadsheet(text, notes)
    text, extension = _without_extension(text)
    if extension:
        notes.append("extension")
    return PhoneText(_digits(text), extension, tuple(notes), tuple(reviews))


def _visible(raw: str, notes: list[str], reviews: list[str]) -> str:
    """What people see, in ASCII digits and signs."""
    if raw.isascii():
        return raw
    shown = "".join(c for c in raw if unicodedata.category(c) != "Cf")
    if shown != raw:
        notes.append("invisible")
    if not _REVERSING.isdisjoint(raw):
        reviews.append("bidi")
    scripts = {ord(c) - unicodedata.decimal(c) for c in shown if c.isdecimal()}
    if len(scripts) > 1:
        reviews.append("unicode_digits")
    elif scripts - {ord("0")}:
        notes.append("unicode_digits")
    return "".join(map(_ascii_sign, shown)).translate(_DASHES)


def _ascii_sign(sign: str) -> str:
    """A digit or sign in ASCII. Superscripts look like digits and are none."""
    if sign.isascii():
        return sign
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if sign.isdigit():
        raise PhoneProblem("not_phone")
    return " " if sign.isspace() else unicodedata.normalize("NFKC", sign)


def _without_spreadsheet(text: str, notes: list[str]) -> str:
    """Undo what spreadsheets and address books put around and into a number."""
    if text.startswith("="):
        raise PhoneProblem("formula")
    if text.startswith("'"):
        notes.append("apostrophe")
        text = text[1:].lstrip()
    if label := _LABEL.match(text):
        notes.append("label")
        text = text[label.end() :]
    if found := _FLOAT.fullmatch(text):
        notes.append("excel_float")
        return found[1]
    if found := _SCIENTIFIC.fullmatch(text):
        notes.append("excel_float")
        return _whole(found[1] + (found[2] or ""), exponent=int(found[3]))
    return text


def _whole(digits: str, *, exponent: int) -> str:
    """The number behind 7.9161234567E+10, where all of its digits are still there."""
    if len(digits) < exponent + 1:
        raise PhoneProblem("excel_lost_digits")
    if digits[exponent + 1 :].strip("0"):
        raise PhoneProblem("not_phone")
    return digits[: exponent + 1]


def _without_extension(text: str) -> tuple[str, str]:
    for found in _EXTENSION.finditer(text):
        if found.end() == len(text):
            return text[: found.start()], found[1]
    return text, ""


def _digits(text: str) -> str:
    """The digits of one number. Raises PhoneProblem for other text and impossible lengths."""
    if len(text) > TEXT_MAX:
        raise PhoneProblem(_code_of_long(text))
    if _is_two_numbers(text):
        raise PhoneProblem("two_numbers")
    if not _WRITTEN.fullmatch(text):
        raise PhoneProblem("vanity" if _is_vanity(text) else "not_phone")
    digits = text.translate(_PUNCTUATION)
    if not digits:
        raise PhoneProblem("not_phone")
    if len(digits) > DIGITS_MAX:
        raise PhoneProblem("too_long")
    if len(digits) <= SHORT_CODE_MAX:
        raise PhoneProblem("short_code")
    return f"+{digits}" if "+" in text else digits


def _code_of_long(text: str) -> str:
    return "too_long" if sum(map(str.isdigit, text)) > DIGITS_MAX else "not_phone"


def _is_vanity(text: str) -> bool:
    """Whether letters stand for digits: they do where the digits alone are no whole number."""
    return _VANITY.fullmatch(text) is not None and sum(map(str.isdigit, text)) < VANITY_DIGITS


def _is_two_numbers(text: str) -> bool:
    if text.count("+") > 1:
        return True
    if len(_LONG_PART.findall(text)) > 1:
        return True
    parts = [sum(map(str.isdigit, part)) for part in _BETWEEN.split(text)]
    return len(parts) > 1 and max(parts) >= PART_MIN and sum(map(bool, parts)) > 1
