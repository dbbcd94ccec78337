"""The leads of a lot as sets of places: what they are like, which never changes. Pure.

A place is a lead's number in its file less one. Choices have a set for each value; numbers, times
and the hashes of texts are bit-sliced. Criteria over a segment, or over many joined to a shelf,
answer as `catalog.criteria.matches` does over each lead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import blake2b
from typing import Any, Final, assert_never

from exchange.catalog.criteria import UNDATED, All, AnyOf, Between, Criteria, In, Is, Not, Within
from exchange.catalog.fields import FieldSpec, FieldType, Value
from exchange.core import bits

Column = Sequence[str | None]  # of texts, a place after the other; None: not filled in
Places = dict[str, int]  # a set of places, by value
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
ZERO: Final = 1 << 50  # of signed numbers: no value of a lead lies further from nought
MILLIONTHS: Final = 10**6  # a decimal has at most six places


class Form(StrEnum):
    """How the values of a field are kept."""

    CHOICE = "choice"
    WHOLE = "whole"
    DECIMAL = "decimal"
    DATE = "date"
    MOMENT = "moment"
    TEXT = "text"  # by a hash: texts are asked for whole


DIGITS: Final = {
    Form.WHOLE: 51,
    Form.DECIMAL: 51,
    Form.DATE: 22,
    Form.MOMENT: 51,
    Form.TEXT: 64,
}
FORMS: Final = {
    FieldType.INTEGER: Form.WHOLE,
    FieldType.MONEY: Form.WHOLE,
    FieldType.DECIMAL: Form.DECIMAL,
    FieldType.DATE: Form.DATE,
    FieldType.DATETIME: Form.MOMENT,
    FieldType.BOOLEAN: Form.CHOICE,
    FieldType.COUNTRY: Form.CHOICE,
}
NUMBERS: Final = (Form.WHOLE, Form.DECIMAL)
TIMES: Final = (Form.DATE, Form.MOMENT)


def form_of(spec: FieldSpec) -> Form:
    """How values of the field are kept; what has few values by a set for each."""
    return Form.CHOICE if spec.choices else FORMS.get(spec.type, Form.TEXT)


def moment_number(moment: datetime) -> int:
    """Microseconds since 1970: a moment as the database keeps it."""
    return (moment - EPOCH) // MICROSECOND


def moment_of(number: int) -> datetime:
    """The moment back."""
    return EPOCH + number * MICROSECOND


@dataclass(frozen=True, slots=True)
class Sliced:
    """A field of numbers: where it is filled in, and its binary digits, the lowest first."""

    filled: int
    digits: tuple[int, ...]

    def equal(self, number: int) -> int:
        """The places with this number."""
        return bits.equal(number, self.digits, among=self.filled)

    def at_least(self, number: int) -> int:
        """The places with this number or more."""
        return bits.at_least(number, self.digits, among=self.filled)

    def between(self, low: int | None, high: int | None) -> int:
        """The places with a number in the range; an end that is None is open."""
        found = self.filled if low is None else self.at_least(low)
        return found if high is None else bits.minus(found, self.at_least(high + 1))


def slice_column(column: Sequence[int | None], *, form: Form) -> Sliced:
    """A column of encoded values; None is not filled in."""
    filled = (place for place, value in enumerate(column) if value is not None)
    digits = bits.slices(column, digits=DIGITS[form])
    return Sliced(bits.of(filled, size=len(column)), tuple(digits))


@dataclass(frozen=True, slots=True, eq=False)  # the same one or another: never compared within
class Segment:
    """Sets of places: of a lot, or of the lots of a shelf behind each other."""

    size: int  # places, filled or not; of eight bits each
    sets: Mapping[str, Places]  # by name and value
    numbers: Mapping[tuple[str, Form], Sliced]

    def of(self, name: str, value: str) -> int:
        """The places at which the name has the value."""
        return self.sets.get(name, {}).get(value, 0)

    def fits(self, criteria: Criteria) -> int:
        """The places whose attributes meet the criteria, also those that hold no lead."""
        match criteria:
            case Is(field, value):
                return self._is(field, value)
            case In(field, values):
                return _any(self._is(field, value) for value in values)
            case Between(field, low, high):
                return self._between(field, low, high)
            case All(parts):
                return _all(bits.up_to(self.size), (self.fits(part) for part in parts))
            case AnyOf(parts):
                return _any(self.fits(part) for part in parts)
            case Not(part):
                return bits.minus(bits.up_to(self.size), self.fits(part))
            case Within():
                raise TypeError(UNDATED)
        assert_never(criteria)

    def _is(self, field: str, value: Value) -> int:
        if isinstance(value, str | bool):
            found = self.of(attribute(field), word_of(value))
            forms: tuple[Form, ...] = (Form.TEXT, *TIMES) if isinstance(value, str) else ()
        else:
            found, forms = 0, NUMBERS
        for form in forms:
            column = self.numbers.get((field, form))
            if column is not None and (number := _exactly(form, value)) is not None:
                found |= column.equal(number)
        return found

    def _between(self, field: str, low: Value | None, high: Value | None) -> int:
        forms = TIMES if isinstance(low if low is not None else high, str) else NUMBERS
        found = 0
        for form in forms:
            column = self.numbers.get((field, form))
            if column is not None:
                found |= column.between(_end(form, low, math.ceil), _end(form, high, math.floor))
        return found


def attribute(field: str) -> str:
    """The name of a field's sets; columns of the lead have names of their own."""
    return f"a.{field}"


def word_of(value: Value) -> str:
    """A choice or an answer as the database writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def columns_to_sets(form: Form, column: Column) -> Places | Sliced:
    """The column of a field in its form."""
    if form is Form.CHOICE:
        return bits.by_value(column)
    encoded = [None if text is None else _encoded(form, text) for text in column]
    return slice_column(encoded, form=form)


def join(segments: Sequence[Segment]) -> Segment:
    """The segments behind each other, each from a whole byte on."""
    names = {(name, value) for one in segments for name, of in one.sets.items() for value in of}
    sets: dict[str, Places] = {}
    for name, value in names:
        parts = ((width(one), one.of(name, value)) for one in segments)
        sets.setdefault(name, {})[value] = join_places(parts)
    columns = {key for one in segments for key in one.numbers}
    numbers = {key: _join_numbers(segments, key) for key in columns}
    return Segment(sum(map(width, segments)) * 8, sets, numbers)


def width(segment: Segment) -> int:
    """Bytes that the segment takes on a shelf."""
    return (segment.size + 7) // 8


def _join_numbers(segments: Sequence[Segment], key: tuple[str, Form]) -> Sliced:
    nothing = Sliced(0, (0,) * DIGITS[key[1]])
    found = [one.numbers.get(key, nothing) for one in segments]
    filled = join_places(
        (width(one), each.filled) for one, each in zip(segments, found, strict=True)
    )
    digits = (
        join_places((width(one), each.digits[n]) for one, each in zip(segments, found, strict=True))
        for n in range(DIGITS[key[1]])
    )
    return Sliced(filled, tuple(digits))


def join_places(parts: Iterable[tuple[int, int]]) -> int:
    """Sets behind each other, each with the bytes that it takes."""
    return int.from_bytes(
        b"".join([places.to_bytes(size, "little") for size, places in parts]), "little"
    )


def _all(every: int, found: Iterable[int]) -> int:
    for places in found:
        every &= places
    return every


def _any(found: Iterable[int]) -> int:
    every = 0
    for places in found:
        every |= places
    return every


def _encoded(form: Form, text: str) -> int:
    """A value as the database writes it, as a number that sorts as the value does."""
    match form:
        case Form.WHOLE:
            return int(text) + ZERO
        case Form.DECIMAL:
            return int(Fraction(text) * MILLIONTHS) + ZERO
        case Form.DATE:
            return date.fromisoformat(text).toordinal()
        case Form.MOMENT:
            return moment_number(datetime.fromisoformat(text))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def _exactly(form: Form, value: Value) -> int | None:
    """The number that stands for the value; None where no lead can have it in this form."""
    if form in NUMBERS:
        scaled = _scaled(form, value)
        return int(scaled) + ZERO if scaled.denominator == 1 else None
    try:
        return _encoded(form, str(value))
    except (TypeError, ValueError):
        return None  # no such time


def _end(form: Form, value: Any, rounded: Callable[[Fraction], int]) -> int | None:
    """An end of a range as the last number inside of it."""
    if value is None:
        return None
    return rounded(_scaled(form, value)) + ZERO if form in NUMBERS else _exactly(form, value)


def _scaled(form: Form, value: Value) -> Fraction:
    return Fraction(str(value)) * (MILLIONTHS if form is Form.DECIMAL else 1)
