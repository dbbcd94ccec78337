"""Rows to checked leads: valid, for a person to look at, or refused with all their reasons.

A block is checked column by column, a single row as a block of one; so there is one set of rules.
Pure: what time it is and what the batch declares are passed in. Duplicates and suppression are
the caller's, who alone may look at what others uploaded.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from exchange.catalog.definition import Terms, VerticalDefinition
from exchange.catalog.fields import SENT_FIELDS, FieldSpec, LeadFields, Value
from exchange.catalog.values import ParseContext
from exchange.leads.cells import Finding, Reading, cell_reader
from exchange.leads.checked import CheckedBlock, CheckedRow, Found, Layout, Outcome, People
from exchange.leads.columns import Column
from exchange.leads.plain import glance_at
from exchange.leads.reading import Row
from exchange.leads.times import AGES, Times

__all__ = ["CheckedBlock", "CheckedRow", "Checker", "Outcome", "Rules"]

# What the record of consent calls these fields.
_CONSENT: Final = {
    "consent_text": "text",
    "consent_at": "given_at",
    "consent_url": "page_url",
    "consent_quality_check": "quality_check",
    "consent_buyers": "buyers",
}
Cells = Sequence[Value | None]
Texts = Sequence[str]
Finds = defaultdict[int, Found]


@dataclass(frozen=True, slots=True)
class Rules:
    """What rows are checked against: the vertical, what the batch declares, and the time."""

    fields: LeadFields
    terms: Terms
    context: ParseContext
    phone_region: str  # of numbers without a country code
    now: datetime
    defaults: Mapping[str, str] = dataclasses.field(default_factory=dict)  # for empty cells
    demo: bool = False  # whether numbers kept for examples pass
    pinged: bool = False  # the request alone: who asked, and agreed, comes with the post

    @classmethod
    def of(cls, definition: VerticalDefinition, *, now: datetime, demo: bool = False) -> Self:
        """The vertical's own rules; `dataclasses.replace` puts in what a batch declares."""
        return cls(
            fields=definition.fields,
            terms=definition.terms,
            context=definition.context(),
            phone_region=definition.phone_region,
            now=now,
            demo=demo,
        )

    def of_ping(self) -> Self:
        """The same for a lead that comes without its person."""
        specs = tuple(spec for spec in self.fields.specs if not is_personal(spec))
        return dataclasses.replace(self, fields=LeadFields(specs), pinged=True)


class Checker:
    """Checks the rows of one file. `columns` is the index of the column of each mapped field."""

    def __init__(self, rules: Rules, *, columns: Mapping[str, int] | None = None) -> None:
        self._rules = rules
        self._times = Times.of(rules.fields, rules.terms, now=rules.now)
        policy, fields = rules.terms.consent, rules.fields
        wanted = {
            "consent_text": policy.text_required,
            "consent_at": policy.time_required,
            "consent_url": policy.url_required,
        }
        self._proofs = [name for name in wanted if wanted[name] and not rules.pinged]
        self._columns = [self._column(spec, columns or {}) for spec in fields.specs]
        self._layout = Layout(
            attributes=[(spec.name, spec.name) for spec in fields.attributes],
            contact=[(spec.name, spec.name) for spec in fields.contacts],
            consent=[(name, key) for name, key in _CONSENT.items() if name in fields.by_name],
            sent=[(name, name) for name in SENT_FIELDS if name in fields.by_name],
        )

    def _column(self, spec: FieldSpec, columns: Mapping[str, int]) -> Column:
        rules = self._rules
        region = rules.phone_region
        return Column(
            spec,
            cell_reader(spec, rules.context, phone_region=region, demo=rules.demo),
            glance=glance_at(spec, rules.context, phone_region=region),
            source=columns.get(spec.name),
            default=rules.defaults.get(spec.name, ""),
        )

    def check(self, row: Row) -> CheckedRow:
        """The checked lead of a row as it was read."""
        (checked,) = self.check_all([row]).rows()
        return checked

    def check_values(self, values: Mapping[str, str], *, number: int = 1) -> CheckedRow:
        """The checked lead of texts by field, as a post sends them."""
        texts = [[values.get(column.name, "")] for column in self._columns]
        (checked,) = self._checked(texts, numbers=[number], lines=[number], problems={}).rows()
        return checked

    def check_all(self, rows: Sequence[Row]) -> CheckedBlock:
        """The checked leads of rows as they were read."""
        width = next((len(row.cells) for row in rows if not row.problem), 0)
        nothing = [""] * width  # of rows whose cells do not stand where they should
        cells = (nothing if row.problem else row.cells for row in rows)
        columns = list(zip(*cells, strict=True))
        blank = [""] * len(rows)
        texts = [
            blank if column.source is None or not columns else columns[column.source]
            for column in self._columns
        ]
        return self._checked(
            texts,
            numbers=[row.number for row in rows],
            lines=[row.line for row in rows],
            problems={place: row.problem for place, row in enumerate(rows) if row.problem},
        )

    def _checked(
        self,
        texts: Iterable[Texts],
        *,
        numbers: Sequence[int],
        lines: Sequence[int],
        problems: Mapping[int, str],
    ) -> CheckedBlock:
        found: Finds = defaultdict(Found)
        values: dict[str, Cells] = {}
        people = People(len(numbers))
        for column, cells in zip(self._columns, texts, strict=True):
            values[column.name], odd = column.read(cells)
            people.add(column.type, values[column.name], odd)
            for place, reading in odd.items():
                _note(found[place], column.name, reading)
        self._check_together(values, people, found)
        for place, problem in problems.items():
            found[place] = Found(errors=[Finding("", problem)])
        people.leave_out(place for place, told in found.items() if told.errors)
        return CheckedBlock(self._layout, numbers, lines, values, people, found)

    def _check_together(self, values: Mapping[str, Cells], people: People, found: Finds) -> None:
        """What only several fields and the time can tell."""
        for place in () if self._rules.pinged else people.nobody():
            if place not in found or not found[place].errors:
                found[place].errors.append(Finding("", "missing_required"))
        for place, finding in self._times.broken(values):
            found[place].errors.append(finding)
        for name in self._proofs:
            for place, value in enumerate(values.get(name) or [None] * len(people.phones)):
                if value is None and not found[place].failed(name):
                    found[place].errors.append(Finding(name, "consent_missing"))


def is_personal(spec: FieldSpec) -> bool:
    """Whether the field says who asked, or that they agreed."""
    return spec.contact or spec.name in _CONSENT


def _note(found: Found, name: str, reading: Reading) -> None:
    """Put to the row what was read in one of its cells."""
    if reading.error:
        found.errors.append(Finding(name, _code(name, reading.error)))
    found.reviews += [Finding(name, code) for code in reading.reviews]
    found.notes += [Finding(name, code) for code in reading.notes]
    if reading.extension:
        found.extensions[f"{name}_extension"] = reading.extension


def _code(name: str, code: str) -> str:
    """What is missing of a consent and too little of an age have codes of their own."""
    if code == "missing_required" and name in _CONSENT:
        return "consent_missing"
    return "age" if code == "too_small" and name in AGES else code
