"""One cell of a mapped column to its value, and what is odd about it.

A reader is made once per column. It remembers what comes again: words of lists, numbers, minutes;
never a name, phone or e-mail.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from exchange.catalog.fields import FieldSpec, FieldType, Value, parse
from exchange.catalog.values import FieldError, ParseContext, clean, is_empty
from exchange.leads import texts
from exchange.leads.emails import Email, EmailProblem, parse_email
from exchange.leads.forbidden import holds_card
from exchange.leads.phones import Phone, PhoneProblem, parse_phone

REMEMBERED_MAX: Final = 50_000  # values of one column

# A time with seconds, and what stands before and behind them.
_SECONDS: Final = re.compile(r"([^:]{8,40}:\d\d):([0-5]\d)(Z|[+-]\d\d:?\d\d)?", re.ASCII)


class Finding(NamedTuple):
    """What was found in a field; of the whole row where the field is empty."""

    field: str
    code: str


@dataclass(slots=True)
class Found:
    """What the cells of a row gave so far."""

    attributes: dict[str, Value] = dataclasses.field(default_factory=dict)
    values: dict[str, Value] = dataclasses.field(default_factory=dict)  # contact and request
    extensions: dict[str, Value] = dataclasses.field(default_factory=dict)
    errors: list[Finding] = dataclasses.field(default_factory=list)
    reviews: list[Finding] = dataclasses.field(default_factory=list)
    notes: list[Finding] = dataclasses.field(default_factory=list)
    phone: Phone | None = None
    email: Email | None = None

    def add(self, field: str, *, notes: Sequence[str], reviews: Sequence[str]) -> None:
        if notes:
            self.notes += [Finding(field, code) for code in notes]
        if reviews:
            self.reviews += [Finding(field, code) for code in reviews]

    def failed(self, field: str) -> bool:
        """Whether the field has been refused."""
        return any(finding.field == field for finding in self.errors)


PROBLEMS: Final = (FieldError, PhoneProblem, EmailProblem)  # each has a `code`


class CellReader:
    """Reads the cells of one column. `known` are the values of texts that it has seen."""

    def __init__(self, spec: FieldSpec, context: ParseContext) -> None:
        self._spec = spec
        self._context = context
        self.known: dict[str, Value | None] = {}

    def read(self, text: str, found: Found) -> Value | None:
        """The value of a filled cell, None where it says nothing. Raises one of PROBLEMS."""
        del found  # for readers that see more than the value
        if text in self.known:
            return self.known[text]
        value = parse(self._spec, text, self._context)
        if len(self.known) < REMEMBERED_MAX:
            self.known[text] = value
        return value


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

    def read(self, text: str, found: Found) -> Value | None:
        try:
            phone = parse_phone(text, region=self._region, demo=self._demo)
        except PhoneProblem as problem:
            if problem.code == "not_phone" and _is_missing(self._spec, text):
                return None
            raise
        if phone.notes or phone.reviews:
            found.add(self._spec.name, notes=phone.notes, reviews=phone.reviews)
        found.phone = found.phone or phone
        if phone.extension:
            found.extensions[f"{self._spec.name}_extension"] = phone.extension
        return phone.e164


class _EmailReader(CellReader):
    def read(self, text: str, found: Found) -> Value | None:
        try:
            email = parse_email(text)
        except EmailProblem:
            if "@" not in text and _is_missing(self._spec, text):
                return None
            raise
        if email.notes or email.reviews:
            found.add(self._spec.name, notes=email.notes, reviews=email.reviews)
        found.email = found.email or email
        return email.address


class _TextReader(CellReader):
    """Texts and names as they are, with what is odd about them noted or for a person to see."""

    def read(self, text: str, found: Found) -> Value | None:
        if (mended := texts.repaired(text)) is not None:
            found.reviews.append(Finding(self._spec.name, "mojibake"))
            text = mended
        try:
            value = parse(self._spec, text, self._context)
        except FieldError as error:
            if error.code != "not_a_person":
                raise
            value = clean(text)
        if isinstance(value, str):
            self._look(value, found)
        return value

    def _look(self, value: str, found: Found) -> None:
        if holds_card(value):
            raise FieldError("forbidden_data")
        if self._spec.type is not FieldType.NAME:
            if texts.is_unsafe(value):
                found.notes.append(Finding(self._spec.name, "unsafe_content"))
            return
        if texts.is_formula(value) or texts.is_unsafe(value):
            found.reviews.append(Finding(self._spec.name, "unsafe_content"))
        if texts.is_no_person(value):
            found.reviews.append(Finding(self._spec.name, "not_a_person"))


class _MomentReader(CellReader):
    """Times, of which the minutes come again and the seconds are added to them."""

    def read(self, text: str, found: Found) -> Value | None:
        parts = _SECONDS.fullmatch(text)
        if parts is None or self._spec.min is not None or self._spec.max is not None:
            return super().read(text, found)
        minute = super().read(parts[1] + (parts[3] or ""), found)
        if not isinstance(minute, str) or minute[17:] != "00Z":
            return super().read(text, found)  # a zone of old with seconds in its offset
        return f"{minute[:17]}{parts[2]}Z"
