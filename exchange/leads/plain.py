"""What is right at a glance: the value of an ordinary cell, in a fraction of the time of its rule.

Nine of ten cells of a clean file are ordinary: a number in E.164, words that are names, an ISO
time. A glance gives a value only where the rule in full (`cells`) gives the same value and finds
nothing odd; it gives None for everything else, right or wrong, and the rule decides. That both
say the same is a test over random and hostile cells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from exchange.catalog.fields import (
    TEXT_LENGTH_MAX,
    FieldSpec,
    FieldType,
    Value,
    parse,
    postal_code_pattern,
)
from exchange.catalog.values import FieldError, ParseContext
from exchange.leads import texts
from exchange.leads.emails import plain_email
from exchange.leads.phones import plain_phones

Glance = Callable[[str], Value | None]

REMEMBERED_MAX: Final = 50_000  # words and minutes of one column
_DIGITS_MAX: Final = 9  # of a number that is within all limits, in minor units too
_MINUTE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_SECONDS: Final = frozenset(f":{second:02}Z" for second in range(60))


def glance_at(spec: FieldSpec, context: ParseContext, *, phone_region: str) -> Glance | None:
    """How the ordinary cells of the field's column are read; None where there is no short way."""
    if spec.choices:
        return None
    if spec.type is FieldType.PHONE:
        return plain_phones(phone_region)
    if spec.type is FieldType.EMAIL:
        return plain_email
    make = _GLANCES.get(spec.type)
    return make(spec, context) if make else None


def _names(spec: FieldSpec, _: ParseContext) -> Glance:
    """Names of words that are nothing but a part of a name.

    What makes a name odd is a sign that is no letter, or one of its words: both lists of jokes and
    of words for nothing are compared word by word here, so no two words together are on them.
    """
    words = lru_cache(REMEMBERED_MAX)(texts.is_name_word)
    low = int(spec.min or 0)
    high = TEXT_LENGTH_MAX if spec.max is None else int(spec.max)

    def name(text: str) -> str | None:
        is_plain = low <= len(text) <= high and all(map(words, text.split(" ")))
        return text if is_plain else None

    return name


def _moments(spec: FieldSpec, context: ParseContext) -> Glance | None:
    """ISO times in UTC, which stay as they are; their minutes come again."""
    if spec.min is not None or spec.max is not None:
        return None

    @lru_cache(REMEMBERED_MAX)
    def is_minute(minute: str) -> bool:
        if not _MINUTE.fullmatch(minute):
            return False
        try:
            return parse(spec, f"{minute}:00Z", context) == f"{minute}:00Z"
        except FieldError:
            return False

    return lambda text: text if text[16:] in _SECONDS and is_minute(text[:16]) else None


def _numbers(spec: FieldSpec, context: ParseContext) -> Glance:
    """Whole numbers in ASCII digits."""
    # Any: bounds of numbers are numbers, as the definition was checked to have.
    low: Any = -math.inf if spec.min is None else spec.min
    high: Any = math.inf if spec.max is None else spec.max
    zeros = "0" * context.currency.exponent if spec.type is FieldType.MONEY else ""
    kind = float if spec.type is FieldType.DECIMAL else int

    def number(text: str) -> Value | None:
        if not (text.isdigit() and text.isascii()) or len(text) > _DIGITS_MAX:
            return None
        value: int | float = kind(text + zeros)
        return value if low <= value <= high else None

    return number


def _postal_codes(spec: FieldSpec, context: ParseContext) -> Glance | None:
    """Postal codes of digits alone."""
    if spec.min is not None or spec.max is not None:
        return None
    matches = postal_code_pattern(context.country).fullmatch
    return lambda text: text if text.isdigit() and text.isascii() and matches(text) else None


_GLANCES: Final[dict[FieldType, Callable[[FieldSpec, ParseContext], Glance | None]]] = {
    FieldType.NAME: _names,
    FieldType.DATETIME: _moments,
    FieldType.INTEGER: _numbers,
    FieldType.DECIMAL: _numbers,
    FieldType.MONEY: _numbers,
    FieldType.POSTAL_CODE: _postal_codes,
}
