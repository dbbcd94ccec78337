"""What the pages of a draft show: counters, rules with their fixes, progress, the plan to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, log10
from typing import Final, NamedTuple
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.fields import CHOICES, NUMBERS, TIMES, FieldSpec, LeadFields
from exchange.catalog.policies import QualityClass
from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.money import Money
from exchange.leads import queries as leads
from exchange.leads.models import Import
from exchange.leads.services.problem_rows import examples
from exchange.verification.plans import plan_for

POLL_SECONDS, POLL_SECONDS_LATER = 1, 3
POLL_FAST_FOR: Final = timedelta(seconds=30)
RATE_SHOWN_AFTER: Final = timedelta(seconds=5)
STATES: Final = ("valid", "in_review", "invalid", "duplicate", "suppressed")
# Codes after which an empty cell could have one value for all rows.
EMPTY: Final = frozenset({"missing_required", "consent_missing"})


class Fixes(NamedTuple):
    """What can be done about a rule for all its rows at once."""

    default: FieldSpec | None = None  # one value for the empty cells of this field
    words: FieldSpec | None = None  # a value for each unknown word
    format: str = ""  # date_order or decimal_separator


@dataclass(frozen=True, slots=True)
class Rule:
    """What was found in some rows, with the share of all rows and what can be done about it."""

    field: str
    label: str
    code: str
    state: str
    rows: int
    share: float
    number: int | None  # of an example
    example: str  # masked


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work is: rows done, of about how many, how fast, how long still."""

    done: int
    total: int | None
    rate: int | None  # rows a second
    left: timedelta | None
    every: int  # seconds until it is asked again


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check: exact when all rows were looked at, else about so many."""

    counts: Mapping[str, int]
    rows: int
    looked_at: int  # rows, the first ones of the file
    whole: bool  # every row was looked at
    mended: int  # rows that were corrected by hand since
    value: Money
    rules: Sequence[Rule]


def get_draft(import_id: str, *, viewer: UUID) -> Import:
    """A seller's own import by its public id. Raises NotFound."""
    return leads.get_import(parse_id(import_id, Import), viewer=viewer)


def definition_of(draft: Import) -> VerticalDefinition:
    """The vertical that the file is for."""
    return catalog.get_definition(leads.vertical_of(draft.vertical_id))


def checked(draft: Import, *, language: str) -> Checked:
    """What the page of the check says, whole or from the first rows."""
    found, fields = draft.forecast, leads.fields_of(draft.schema_id)
    scale = 1.0 if found["whole"] else found["rows_about"] / max(found["rows"], 1)
    counts = {name: found[name] for name in (*STATES, "dropped")}
    counts["in_file"] = found["codes"].get("duplicate_in_file", 0)
    counts["invalid"] -= counts["dropped"]
    about = {name: about_so_many(count * scale) for name, count in counts.items()}
    shown = counts if found["whole"] else about
    price = definition_of(draft).typical_price(QualityClass.STANDARD)
    return Checked(
        counts=shown,
        rows=found["rows"] if found["whole"] else about_so_many(found["rows_about"]),
        looked_at=found["rows"],
        whole=found["whole"],
        mended=found.get("mended", 0),
        value=Money(price.amount * shown["valid"], price.currency),
        rules=_rules(draft, fields, scale=scale, language=language),
    )


def fixes_of(fields: LeadFields, *, field: str, code: str) -> Fixes:
    """What can be done at once about a code found in a field."""
    spec = fields.by_name.get(field)
    if spec is None:
        return Fixes()
    return Fixes(
        default=spec if code in EMPTY and not spec.contact else None,
        words=spec if code == "value_not_allowed" and spec.type in CHOICES else None,
        format=_format(spec, code),
    )


def progress(*, done: int, total: int | None, started_at: datetime | None) -> Progress:
    """How far work is that began at this moment; nothing is promised in the first seconds."""
    gone = clock.now() - started_at if started_at else timedelta()
    every = POLL_SECONDS if gone < POLL_FAST_FOR else POLL_SECONDS_LATER
    total = max(total, done) if total else None
    if gone < RATE_SHOWN_AFTER or not done:
        return Progress(done, total, None, None, every)
    rate = done / gone.total_seconds()
    left = timedelta(seconds=round((total - done) / rate)) if total else None
    return Progress(done, total, about_so_many(rate), left, every)


class PlanToCome(NamedTuple):
    """How many people are called before a lot of this class is decided."""

    grade: QualityClass
    first: int | None
    most: int | None


def plans_to_come(population: int, grades: Sequence[QualityClass]) -> list[PlanToCome]:
    """The plan of each class for so many leads; no plan belongs to a class without a promise."""
    found = []
    for grade in grades:
        if grade is QualityClass.UNVERIFIED or population < 1:
            found.append(PlanToCome(grade, None, None))
        else:
            looks = plan_for(population, grade).looks
            found.append(PlanToCome(grade, looks[0], looks[-1]))
    return found


def about_so_many(count: float) -> int:
    """Two digits of an estimate: more would look like knowledge."""
    if count < 1:
        return 0
    step: int = 10 ** max(floor(log10(count)) - 1, 0)
    return round(count / step) * step


def _rules(draft: Import, fields: LeadFields, *, scale: float, language: str) -> list[Rule]:
    found = draft.forecast
    # Examples are rows that are kept, and rows are kept by the check of the whole file.
    shown = examples(draft, found["rules"]) if found["whole"] else {}
    return [
        Rule(
            field=rule["field"],
            label=_label(fields, rule["field"], language),
            code=rule["code"],
            state=rule["state"],
            rows=rule["rows"] if found["whole"] else about_so_many(rule["rows"] * scale),
            share=rule["rows"] / max(found["rows"], 1),
            number=rule["example"],
            example=shown.get((rule["field"], rule["code"]), ""),
        )
        for rule in found["rules"]
    ]


def _label(fields: LeadFields, name: str, language: str) -> str:
    spec = fields.by_name.get(name)
    return spec.label_in(language) if spec else ""


def _format(spec: FieldSpec, code: str) -> str:
    if spec.type in TIMES and code in {"date_ambiguous", "date_invalid"}:
        return "date_order"
    if spec.type in NUMBERS and code in {"number_ambiguous", "number_invalid"}:
        return "decimal_separator"
    return ""
