"""Two tabs start one full inspection; the last two answers end it once."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.catalog.scripts import Outcome
from exchange.core.actors import Actor
from exchange.core.db import db, get, unit_of_work
from exchange.leads.models import Batch
from exchange.leads.services import batches
from exchange.verification.inspection_models import FullInspection
from exchange.verification.queries import inspected
from exchange.verification.services import full_inspections
from tests.cast import Cast, make_cast
from tests.factories.billing import fund_wallet
from tests.racing import meeting, patiently, race
from tests.verification.support import everybody, make_sample, work

CLIENTS = 20


def rejected(*, sums: int) -> tuple[Cast, Batch]:
    """A rejected lot whose seller can pay for so many inspections of it."""
    with unit_of_work():
        cast = make_cast()
    with unit_of_work():
        sample = make_sample(cast.seller, leads=40)
        work(cast.verifier, everybody(Outcome.DENIES), calls=3)
    with unit_of_work():
        batch = get(Batch, sample.batch_id)
        total = inspected.estimate(batch).total
        fund_wallet(cast.seller, total.amount * sums, total.currency)
    return cast, batch


def start_all(app: Flask, cast: Cast, batch: Batch) -> set[str]:
    """Everybody clicks at once; what they are told."""

    def attempt() -> str:
        with unit_of_work():
            full_inspections.start(batch_id=batch.id, actor=cast.seller.actor)
        return "started"

    return set(race(app, [lambda: patiently(attempt)] * CLIENTS))


@pytest.mark.commits
def test_many_clicks_start_one_inspection_and_hold_one_sum(committed: Flask) -> None:
    cast, batch = rejected(sums=3)
    assert start_all(committed, cast, batch) == {"started"}
    found = db.session.query(FullInspection).one()
    held = billing.balance(cast.seller.organization.id, AccountKind.HELD, found.price.currency)
    assert held == found.total


@pytest.mark.commits
@pytest.mark.control
def test_without_the_lock_of_the_lot_they_collide(
    committed: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast, batch = rejected(sums=3)
    meet = meeting()

    def look(batch_id: UUID, _actor: Actor) -> Batch:
        found = get(Batch, batch_id)
        meet()
        return found

    monkeypatch.setattr(batches, "lock_own", look)
    assert start_all(committed, cast, batch) != {"started"}
