"""Lots for tests: people who never were, checked and written as intake does it.

A lot comes without a file and without a draw, in the state that is asked for; the leads are
sealed under its root. Everything is flushed, nothing is committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import select, update

from exchange.catalog.fields import FieldSpec, FieldType
from exchange.catalog.models import Vertical
from exchange.catalog.policies import QualityClass
from exchange.catalog.queries import get_schema
from exchange.core import clock
from exchange.core.crypto import new_key
from exchange.core.db import db, save
from exchange.core.keys import keyring
from exchange.core.money import Money
from exchange.leads import queries, seal
from exchange.leads.checking import CheckedRow, Checker, Outcome, Rules
from exchange.leads.mending import Mending
from exchange.leads.models import Batch, BatchStatus, Lead, LeadKind, LeadStatus
from exchange.leads.preparing import Lot, Preparer, Recipe
from exchange.leads.services.sources import ensure_source
from exchange.leads.services.writing import write_block
from tests.cast import Player
from tests.factories.catalog import definition_of, make_vertical

# Numbers of nobody in particular, valid in their country; a running number fills the digits.
PHONES = {"US": "+1614{:07}", "RU": "+7916{:07}", "ES": "+3461{:07}", "MY": "+6012{:07}"}
FIRST_NUMBER = 2_340_000
_numbers = count(FIRST_NUMBER)

Values = Mapping[str, str]


def make_person(country: str = "US") -> dict[str, str]:
    """A new person: name, phone and e-mail as somebody would type them."""
    number = next(_numbers)
    return {
        "name": f"Taylor Person {chr(65 + number % 26)}",
        "phone": PHONES[country].format(number),
        "email": f"person{number}@example.com",
    }


def make_batch(
    seller: Player,
    *,
    leads: int = 10,
    vertical: Vertical | None = None,
    price: int | None = None,
    kind: LeadKind = LeadKind.EXCLUSIVE,
    sales_max: int | None = None,
    quality_class: QualityClass = QualityClass.STANDARD,
    status: BatchStatus = BatchStatus.ACCEPTED,
    source: str = "landing page",
    people: Sequence[Values] = (),
    values: Values | None = None,
    requested_at: datetime | None = None,
    window: timedelta | None = None,
    contract_id: UUID | None = None,
) -> Batch:
    """A lot of `leads` leads, or of these `people`; a minute lies between their requests.

    With a contract they are targeted.

    `values` overrides fields of every row. A person who is in the vertical already becomes a
    duplicate row, unless the earlier lot was made with a `window` that is over.
    """
    vertical = vertical or make_vertical()
    definition = definition_of(vertical)
    people = people or [make_person(vertical.country) for _ in range(leads)]
    newest = requested_at or clock.now() - timedelta(hours=1)
    rules = Rules.of(definition, now=clock.now(), demo=True)
    if window is not None:
        rules = replace(rules, terms=replace(rules.terms, duplicate_window_days=window.days))
    rows = _checked(rules, people, values or {}, newest=newest)
    grade = quality_class
    amount = definition.terms.typical_prices[grade] if price is None else price
    shared = 3 if kind is LeadKind.SHARED else 1
    batch = save(
        Batch(
            organization_id=seller.organization.id,
            vertical_id=vertical.id,
            schema_id=get_schema(vertical).id,
            source_id=ensure_source(organization_id=seller.organization.id, name=source).id,
            name="A lot of tests",
            status=status,
            quality_class=grade,
            kind=LeadKind.TARGETED if contract_id else kind,
            contract_id=contract_id,
            price=Money(amount, vertical.currency),
            sales_max=shared if sales_max is None else sales_max,
        )
    )
    _write(batch, rows, rules=rules)
    _seal(batch)
    return batch


def leads_of(batch: Batch) -> Sequence[Lead]:
    """The leads of a lot in the order of its rows."""
    statement = select(Lead).where(Lead.batch_id == batch.id).order_by(Lead.row_number)
    return db.session.scalars(statement.execution_options(populate_existing=True)).all()


def _checked(
    rules: Rules, people: Sequence[Values], values: Values, *, newest: datetime
) -> list[CheckedRow]:
    checker, rows = Checker(rules), []
    for number, person in enumerate(people, start=1):
        asked = newest - timedelta(minutes=number - 1)
        typed = {
            **{spec.name: _typed(spec, number) for spec in rules.fields.specs},
            "requested_at": asked.isoformat(),
            "consent_at": asked.isoformat(),
            "consent_quality_check": "yes",
            **person,
            **values,
        }
        rows.append(checker.check_values(typed, number=number))
    refused = [row for row in rows if row.outcome is not Outcome.VALID]
    assert not refused, [(row.number, row.errors, row.reviews) for row in refused[:3]]
    return rows


def _typed(spec: FieldSpec, number: int) -> str:
    """A value of the field that differs from row to row where it can."""
    if spec.type in {FieldType.CHOICE, FieldType.REGION} and spec.choices:
        return spec.choices[number % len(spec.choices)].value
    return spec.example


def _write(batch: Batch, rows: Sequence[CheckedRow], *, rules: Rules) -> None:
    lot = Lot.of(batch, rules.terms)
    recipe = Recipe(lot, rules, {}, Mending(), new_key(), keyring())
    prepared = Preparer(recipe).prepare_checked(rows, cells=["as it was typed"])
    written = write_block(batch, prepared, recipe=recipe)
    batch.rows_total = batch.rows_done = written.counts.total()
    batch.valid = written.counts[LeadStatus.VALID]
    batch.in_review = written.counts[LeadStatus.IN_REVIEW]
    batch.invalid = written.counts[LeadStatus.INVALID]
    batch.duplicate = written.counts[LeadStatus.DUPLICATE]
    batch.suppressed = written.counts[LeadStatus.SUPPRESSED]


def _seal(batch: Batch) -> None:
    # Whoever is called is not what these stories are about: everybody valid may be.
    frame = (Lead.batch_id == batch.id, Lead.status == LeadStatus.VALID)
    db.session.execute(update(Lead).where(*frame).values(in_frame=True))
    batch.population = batch.valid
    batch.merkle_root = seal.merkle_root(queries.leaves(batch.id))
    batch.sealed_at = clock.now()
    db.session.flush()
