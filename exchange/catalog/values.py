"""One cell of a file to one value: text, numbers, dates, yes and no.

Never a silent guess: what can be read in two ways is refused unless the batch declared which.
Errors carry a stable code and never the text, which may be somebody's contact.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from exchange.catalog.words import (
    CURRENCY_WORDS,
    EMPTY,
    EMPTY_LENGTH_MAX,
    MULTIPLIERS,
    NO,
    YES,
    fold,
)
from exchange.core.money import Currency

NUMBER_LENGTH_MAX = 64  # characters; longer text is no number and is not tried


class FieldError(ValueError):
    """A value that was refused; the code is the word of reports, files and the API."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DateOrder(StrEnum):
    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What a file does not say cell by cell: declared once per batch, else the vertical's."""

    country: str = ""  # ISO 3166-1 alpha-2
    currency: Currency = Currency.EUR
    time_zone: str = "UTC"  # of times that name no zone
    date_order: DateOrder | None = None  # None: only dates with one reading pass
    decimal_separator: str | None = None  # "." or ","; None: only numbers with one reading pass


_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Zero-width and direction marks change what is seen, not what is meant. Joiners stay: emoji and
# some scripts need them.
INVISIBLE: Final = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)


def clean(raw: str) -> str:
    """One line of NFC text with single spaces. Raises `control_char`."""
    if raw.isascii() and raw.isprintable():
        return " ".join(raw.split()) if " " in raw else raw
    if not raw.isprintable():
        if _CONTROL.search(raw):
            raise FieldError("control_char")
        raw = raw.translate(INVISIBLE)
    if not raw.isascii():
        raw = unicodedata.normalize("NFC", raw)
    return " ".join(raw.split())


def is_empty(text: str) -> bool:
    """Whether cleaned text means that nothing was filled in: blank, a dash, N/A, нет данных."""
    if not text:
        return True
    # No such word ends in a digit: most numbers, dates and phones are done here.
    if text[-1].isdigit() or len(text) > EMPTY_LENGTH_MAX:
        return False
    return fold(text) in EMPTY


def parse_boolean(text: str) -> bool | None:
    """Yes or no in four languages; None when the text is neither."""
    word = fold(text)
    if word in YES:
        return True
    return False if word in NO else None


_AFTER_COMMA = r"(?:\.(\d+))?"
_AFTER_POINT = r"(?:,(\d+))?"
# Groups of three with one and the same mark throughout; a group never begins with zero.
_POINT = re.compile(r"(\d+|[1-9]\d{0,2}([ ,'’])\d{3}(?:\2\d{3})*)" + _AFTER_COMMA)
_COMMA = re.compile(r"(\d+|[1-9]\d{0,2}([ .'’])\d{3}(?:\2\d{3})*)" + _AFTER_POINT)
_QUANTITY = re.compile(r"([^\d+\-]*)([+-]?) ?(\d(?:[\d .,'’]*\d)?)(.*)")
_GROUPING = re.compile(r"[ .,'’]")


def parse_number(text: str, *, separator: str | None, words: Iterable[str] = ()) -> Decimal:
    """The number, times the thousand or million behind it; `words` may stand around it.

    Raises `number_invalid`, or `number_ambiguous` where `1,234` has two readings and no
    separator was declared.
    """
    if text.isascii() and text.isdigit() and len(text) <= NUMBER_LENGTH_MAX:
        return Decimal(text)
    if len(text) > NUMBER_LENGTH_MAX:
        raise FieldError("number_invalid")
    found = _QUANTITY.fullmatch(_plain_digits(text))
    if found is None:
        raise FieldError("number_invalid")
    before, sign, digits, behind = found.groups()
    factor = _factor(before, tuple(words)) * _factor(behind, tuple(words))
    value = _reading(digits, separator) * factor
    return -value if sign == "-" else value


def parse_money(text: str, *, context: ParseContext) -> int:
    """Minor units of the context's currency. Raises `currency_mismatch` and `precision` too."""
    if text.isascii() and text.isdigit() and len(text) <= NUMBER_LENGTH_MAX:
        return int(text + "0" * context.currency.exponent)
    own = CURRENCY_WORDS[context.currency]
    try:
        number = parse_number(text, separator=context.decimal_separator, words=own)
    except FieldError as error:
        if error.code == "number_invalid" and _names_other_currency(text, context.currency):
            raise FieldError("currency_mismatch") from None
        raise
    minor = number.scaleb(context.currency.exponent)
    if minor != minor.to_integral_value():
        raise FieldError("precision")
    return int(minor)


def _plain_digits(text: str) -> str:
    """ASCII digits for those of any script, and the ASCII minus. Superscripts are no digits."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() else "-" if c in "−‒" else c for c in text
    )


def _reading(digits: str, separator: str | None) -> Decimal:
    """The one way to read the digits; the declared separator decides between two."""
    as_point = _value(_POINT.fullmatch(digits))
    as_comma = _value(_COMMA.fullmatch(digits))
    if as_point is None or as_comma is None or as_point == as_comma:
        value = as_comma if as_point is None else as_point
    elif separator is None:
        raise FieldError("number_ambiguous")
    else:
        value = as_point if separator == "." else as_comma
    if value is None:
        raise FieldError("number_invalid")
    return value


def _value(found: re.Match[str] | None) -> Decimal | None:
    if found is None:
        return None
    whole, _, fraction = found.groups()
    return Decimal(_GROUPING.sub("", whole) + "." + (fraction or "0"))


def _factor(words: str, allowed: tuple[str, ...]) -> int:
    """What the words beside a number multiply it by. Raises `number_invalid` for a foreign word."""
    rest = words.strip().casefold()
    if not rest:
        return 1
    pattern, factors = _vocabulary(allowed)
    factor = 1
    while rest:
        found = pattern.match(rest)
        if found is None:
            raise FieldError("number_invalid")
        factor *= factors[found.group()]
        rest = rest[found.end() :].lstrip()
    return factor


@lru_cache(maxsize=64)
def _vocabulary(allowed: tuple[str, ...]) -> tuple[re.Pattern[str], Mapping[str, int]]:
    factors = {**MULTIPLIERS, **{word.casefold(): 1 for word in allowed}}
    longest_first = sorted(factors, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, longest_first))), factors


def _names_other_currency(text: str, own: Currency) -> bool:
    tokens = set(re.split(r"[\d\s.,+\-]+", text.casefold()))
    others = (words for currency, words in CURRENCY_WORDS.items() if currency is not own)
    return any(tokens & set(words) for words in others)


_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_MARKED_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})")
_MOMENT = re.compile(
    r"(?P<date>[\d./-]+)"
    r"(?:(?:[Tt]|,? )(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?)?"
    r" ?(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2})?"
)


def parse_date(text: str, *, context: ParseContext) -> date:
    """ISO dates, and day, month and year in the declared order with a four-digit year.

    Raises `date_invalid`, or `date_ambiguous` for 03/04/2026 where no order was declared.
    """
    if found := _ISO_DATE.fullmatch(text):
        return _date(*map(int, found.groups()))
    found = _MARKED_DATE.fullmatch(text)
    if found is None:
        raise FieldError("date_invalid")
    parts = (found[1], found[3], found[4])
    if len(parts[0]) == 4:
        return _date(*map(int, parts))
    if len(parts[2]) != 4:  # two digits do not say which century
        raise FieldError("date_invalid")
    return _ordered(int(parts[0]), int(parts[1]), year=int(parts[2]), order=context.date_order)


def _ordered(first: int, second: int, *, year: int, order: DateOrder | None) -> date:
    if order is DateOrder.YMD:
        raise FieldError("date_invalid")
    if order is None and max(first, second) <= 12 and first != second:
        raise FieldError("date_ambiguous")
    # A declared order is not bent for one cell: 13/25/2026 shows that the declaration is wrong.
    month_first = second > 12 if order is None else order is DateOrder.MDY
    return _date(year, first, second) if month_first else _date(year, second, first)


def _date(year: int, month: int, day: int) -> date:
    if not 1900 <= year <= 2100:  # a slip of the hand, and time zones have no room at the ends
        raise FieldError("date_invalid")
    try:
        return date(year, month, day)
    except ValueError:
        raise FieldError("date_invalid") from None


def parse_datetime(text: str, *, context: ParseContext) -> datetime:
    """A moment in UTC, to the second; without a zone it is the context's local time.

    A date alone is its first moment: a lead may look older than it is, never fresher. Raises the
    codes of `parse_date`, and `time_invalid` for a time that the clock never showed.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise FieldError("date_invalid")
    day = parse_date(found["date"], context=context)
    local = datetime.combine(day, _time(found))
    return _to_utc(local, found["zone"], context.time_zone)


def _time(found: re.Match[str]) -> time:
    if found["hour"] is None:
        return time()
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise FieldError("time_invalid")
        hour = hour % 12 + (12 if found["half"][0] in "Pp" else 0)
    try:
        return time(hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        raise FieldError("time_invalid") from None


def _to_utc(local: datetime, zone: str | None, default_zone: str) -> datetime:
    if zone is None:
        moment = local.replace(tzinfo=ZoneInfo(default_zone)).astimezone(UTC)
        back = moment.astimezone(ZoneInfo(default_zone)).replace(tzinfo=None)
        if back != local:  # the hour that is skipped in spring
            raise FieldError("time_invalid")
        return moment
    if zone in "Zz" or zone in {"UTC", "GMT"}:
        return local.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(f"{local.isoformat()}{zone}").astimezone(UTC)
    except ValueError:
        raise FieldError("time_invalid") from None


def iso_moment(moment: datetime) -> str:
    """The canonical text of a moment: UTC, seconds, `Z`; it sorts as it happened."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"
