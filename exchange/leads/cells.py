"""One cell of a mapped column to what it says, and what is odd about it.

A reader is made once per column and knows the rules in full; what is plainly right it need not be
asked for (see `plain`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from exchange.catalog.fields import FieldSpec, FieldType, Value, parse
from exchange.catalog.values import FieldError, ParseContext, clean, is_empty
from exchange.leads import texts
from exchange.leads.emails import EmailProblem, parse_email
from exchange.leads.forbidden import holds_card
from exchange.leads.phones import PhoneProblem, parse_phone

MINUTES_MAX: Final = 50_000  # that are remembered

# A time with seconds, and what stands before and behind them.
_SECONDS: Final = re.compile(r"([^:]{8,40}:\d\d):([0-5]\d)(Z|[+-]\d\d:?\d\d)?", re.ASCII)


class Finding(NamedTuple):
    """What was found in a field; of the whole row where the field is empty."""

    field: str
    code: str


class Reading(NamedTuple):
    """What a cell says: its value, None where it says nothing, and codes of what is odd about it.

    `key` is the form by which the person is found again, where that is not the value itself.
    """

    value: Value | None
    notes: tuple[str, ...] = ()
    reviews: tuple[str, ...] = ()
    error: str = ""  # why there is no value
    key: str = ""
    extension: str = ""  # of a phone

    @property
    def is_odd(self) -> bool:
        """Whether it says more than its value."""
        return any(self[1:])


PROBLEMS: Final = (FieldError, PhoneProblem, EmailProblem)  # each has a `code`


class CellReader:
    """Reads the cells of one column."""

    def __init__(self, spec: FieldSpec, context: ParseContext) -> None:
        self._spec = spec
        self._context = context

    def read(self, text: str) -> Reading:
        """What a filled cell says. Raises one of PROBLEMS."""
        return Reading(parse(self._spec, text, self._context))


def cell_reader(
    spec: FieldSpec, context: ParseContext, *, phone_region: str, demo: bool
) -> CellReader:
    """How the cells of the field's column are read."""
    if spec.type is FieldType.PHONE:
        return _PhoneReader(spec, context, region=phone_region, demo=demo)
    if spec.type is FieldType.EMAIL:
        return _EmailReader(spec, context)
    if spec.type is FieldType.DATETIME:
        return _MomentReader(spec, context)
    if spec.type is FieldType.NAME or (spec.type is FieldType.TEXT and not spec.is_record_field):
        return _TextReader(spec, context)
    return CellReader(spec, context)


NOTHING: Final = Reading(None)


def _is_missing(spec: FieldSpec, text: str) -> bool:
    """Whether nothing was filled in. Raises FieldError where something had to be."""
    if text and not is_empty(clean(text)):
        return False
    if spec.required:
        raise FieldError("missing_required")
    return True


class _PhoneReader(CellReader):
    def __init__(self, spec: FieldSpec, context: ParseContext, *, region: str, demo: bool) -> None:
        super().__init__(spec, context)
        self._region = region
        self._demo = demo

    def read(self, text: str) -> Reading:
        try:
            phone = parse_phone(text, region=self._region, demo=self._demo)
        except PhoneProblem as problem:
            if problem.code == "not_phone" and _is_missing(self._spec, text):
                return NOTHING
            raise
        return Reading(phone.e164, phone.notes, phone.reviews, extension=phone.extension)


class _EmailReader(CellReader):
    def read(self, text: str) -> Reading:
        try:
            email = parse_email(text)
        except EmailProblem:
            if "@" not in text and _is_missing(self._spec, text):
                return NOTHING
            raise
        return Reading(email.address, email.notes, email.reviews, key=email.key)


class _TextReader(CellReader):
    """Texts and names as they are, with what is odd about them noted or for a person to see."""

    def read(self, text: str) -> Reading:
        reviews = []
        if (mended := texts.repaired(text)) is not None:
            reviews.append("mojibake")
            text = mended
        try:
            value = parse(self._spec, text, self._context)
        except FieldError as error:
            if error.code != "not_a_person":
                raise
            value = clean(text)
        if not isinstance(value, str):
            return Reading(value, (), tuple(reviews))
        if holds_card(value):
            raise FieldError("forbidden_data")
        if self._spec.type is not FieldType.NAME:
            return Reading(value, ("unsafe_content",) * texts.is_unsafe(value), tuple(reviews))
        return Reading(value, (), (*reviews, *_oddities(value)))


def _oddities(name: str) -> Iterator[str]:
    """Why a person must look at a name."""
    if texts.is_formula(name) or texts.is_unsafe(name):
        yield "unsafe_content"
    if texts.is_no_person(name):
        yield "not_a_person"


class _MomentReader(CellReader):
    """Times, of which the minutes come again and the seconds are added to them."""

    def __init__(self, spec: FieldSpec, context: ParseContext) -> None:
        super().__init__(spec, context)
        self._minutes: dict[str, Value | None] = {}

    def read(self, text: str) -> Reading:
        parts = _SECONDS.fullmatch(text)
        if parts is None or self._spec.min is not None or self._spec.max is not None:
            return super().read(text)
        minute = self._minute(parts[1] + (parts[3] or ""))
        if not isinstance(minute, str) or minute[17:] != "00Z":
            return super().read(text)  # a zone of old with seconds in its offset
        return Reading(f"{minute[:17]}{parts[2]}Z")

    def _minute(self, text: str) -> Value | None:
        if text not in self._minutes:
            value = parse(self._spec, text, self._context)
            if len(self._minutes) >= MINUTES_MAX:
                return value
            self._minutes[text] = value
        return self._minutes[text]
