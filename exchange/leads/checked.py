"""Checked rows: what was found in them, and what they give.

A block keeps its values by column, as they were checked; rows are made of it where rows are wanted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, cast

from exchange.catalog.fields import FieldType, Value, postal_area
from exchange.leads.cells import Finding, Reading
from exchange.leads.fingerprints import IdentityKey, identity_keys
from exchange.leads.mask import masked_email, masked_name, masked_phone

Cells = Sequence[Value | None]
Texts = Sequence[str | None]
Record = dict[str, Value]
Keyed = Sequence[tuple[str, str]]  # fields, and what their values are called in a record


class Outcome(StrEnum):
    VALID = "valid"
    IN_REVIEW = "in_review"  # accepted, not for sale until a person has looked
    INVALID = "invalid"


# Not frozen: setting sixteen fields of a frozen object is a tenth of the time of a row.
@dataclass(slots=True, kw_only=True)
class CheckedRow:
    """A row and all that was found; values of an invalid row are not given.

    `contact`, `identities` and `consent` are personal; `preview` is what may be shown of them.
    """

    number: int
    line: int
    outcome: Outcome
    errors: Sequence[Finding] = ()
    reviews: Sequence[Finding] = ()
    notes: Sequence[Finding] = ()
    attributes: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    contact: Mapping[str, Value] = dataclasses.field(default_factory=dict, repr=False)
    identities: Sequence[IdentityKey] = dataclasses.field(default=(), repr=False)
    preview: Mapping[str, str] = dataclasses.field(default_factory=dict)
    consent: Mapping[str, Value] = dataclasses.field(default_factory=dict, repr=False)
    requested_at: datetime | None = None
    channel: str = ""
    sub_source: str = ""
    region: str = ""
    postal_code: str = ""
    # How it was sent, for the marks alone: compared while the file is read and never kept.
    sent: Mapping[str, Value] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def codes(self) -> tuple[str, ...]:
        """Why it is not valid, each code once."""
        return tuple(dict.fromkeys(finding.code for finding in self.errors or self.reviews))


@dataclass(slots=True)
class Found:
    """What was found in a row beside its values."""

    errors: list[Finding] = dataclasses.field(default_factory=list)
    reviews: list[Finding] = dataclasses.field(default_factory=list)
    notes: list[Finding] = dataclasses.field(default_factory=list)
    extensions: dict[str, Value] = dataclasses.field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        """Whether the seller is told anything of it."""
        return bool(self.errors or self.reviews or self.notes)

    def failed(self, field: str) -> bool:
        """Whether the field has been refused."""
        return any(finding.field == field for finding in self.errors)

    @property
    def outcome(self) -> Outcome:
        """Where the row ends, as far as it alone decides."""
        if self.errors:
            return Outcome.INVALID
        return Outcome.IN_REVIEW if self.reviews else Outcome.VALID


SOUND: Final = Found()  # what all rows share of which there is nothing to say


@dataclass(frozen=True, slots=True)
class Layout:
    """Which fields of a schema make which part of a lead."""

    attributes: Keyed
    contact: Keyed
    consent: Keyed
    sent: Keyed


class People:
    """Who stands in each row: the first phone and e-mail in it, None where there is none."""

    def __init__(self, count: int) -> None:
        self.phones: list[str | None] = [None] * count  # in E.164
        self.emails: list[str | None] = [None] * count
        self.email_keys: list[str | None] = [None] * count  # by which a repeat is found

    def add(self, kind: FieldType, values: Cells, odd: Mapping[int, Reading]) -> None:
        """Take a column of the rows, with what is odd in it by place."""
        if kind is FieldType.PHONE:
            self.phones = _first(self.phones, values)
        if kind is FieldType.EMAIL:
            keys = list(values)
            for place, reading in odd.items():
                keys[place] = reading.key or None
            self.emails = _first(self.emails, values)
            self.email_keys = _first(self.email_keys, keys)

    def leave_out(self, places: Iterable[int]) -> None:
        """Forget who stands in these rows."""
        for place in places:
            self.phones[place] = self.emails[place] = self.email_keys[place] = None

    def nobody(self) -> Iterator[int]:
        """The places of rows without a person."""
        for place, (phone, email) in enumerate(zip(self.phones, self.emails, strict=True)):
            if not (phone or email):
                yield place

    def identities(self, place: int) -> tuple[IdentityKey, ...]:
        """By what the person of a row is found again."""
        return identity_keys(self.phones[place], self.email_keys[place])


def _first(earlier: Texts, later: Cells) -> list[str | None]:
    """The earlier of two values of each row; phones and e-mails are texts."""
    return [one or cast("str | None", other) for one, other in zip(earlier, later, strict=True)]


@dataclass(frozen=True, slots=True)
class CheckedBlock:
    """Rows that were checked together; every list has a place for each of them.

    The values and people are personal.
    """

    layout: Layout
    numbers: Sequence[int]
    lines: Sequence[int]
    values: Mapping[str, Sequence[Value | None]] = dataclasses.field(repr=False)
    people: People
    found: Mapping[int, Found]  # by the places of rows of which there is something to say

    @property
    def size(self) -> int:
        """How many rows they are."""
        return len(self.numbers)

    def rows(self) -> Iterator[CheckedRow]:
        """The rows in their order."""
        layout = self.layout
        records = map(
            self._records, (layout.attributes, layout.contact, layout.consent, layout.sent)
        )
        for place, parts in enumerate(zip(*records, strict=True)):
            found = self.found.get(place, SOUND)
            yield self._invalid(place, found) if found.errors else self._lead(place, found, parts)

    def _records(self, keyed: Keyed) -> Iterator[Record]:
        """The filled ones of these fields, row by row."""
        if not keyed:
            yield from ({} for _ in range(self.size))
            return
        names, keys = zip(*keyed, strict=True)
        for row in zip(*(self.values[name] for name in names), strict=True):
            if None in row:
                yield {k: v for k, v in zip(keys, row, strict=True) if v is not None}
            else:
                yield dict(zip(keys, row, strict=True))

    def _invalid(self, place: int, found: Found) -> CheckedRow:
        return CheckedRow(
            number=self.numbers[place],
            line=self.lines[place],
            outcome=Outcome.INVALID,
            errors=found.errors,
            reviews=found.reviews,
            notes=found.notes,
        )

    def _lead(self, place: int, found: Found, parts: Sequence[Record]) -> CheckedRow:
        attributes, contact, consent, sent = parts
        moment = self._text("requested_at", place)
        return CheckedRow(
            number=self.numbers[place],
            line=self.lines[place],
            outcome=found.outcome,
            reviews=found.reviews,
            notes=found.notes,
            attributes=attributes,
            contact=contact | found.extensions if found.extensions else contact,
            identities=self.people.identities(place),
            preview=self._preview(place),
            consent=consent,
            requested_at=datetime.fromisoformat(moment) if moment else None,
            channel=self._text("channel", place),
            sub_source=self._text("sub_id", place),
            region=str(attributes.get("region", "")),
            postal_code=postal_area(str(attributes.get("postal_code", ""))),
            sent=sent,
        )

    def _text(self, name: str, place: int) -> str:
        column = self.values.get(name)
        value = column[place] if column else None
        return "" if value is None else str(value)

    def _preview(self, place: int) -> dict[str, str]:
        preview = {}
        if name := self._text("name", place):
            preview["name"] = masked_name(name)
        if phone := self.people.phones[place]:
            preview["phone"] = masked_phone(phone)
        if email := self.people.emails[place]:
            preview["email"] = masked_email(email)
        return preview
