"""Asking all invariants in one question finds what asking each of them finds."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from exchange.core.db import db
from exchange.core.invariants import violations
from exchange.leads.models import LeadKind
from tests.factories.fulfillment import buy
from tests.factories.market import make_listing

ALWAYS = ["fulfillment.action_holds"]  # it counts, and a count is a row


def test_what_was_only_migrated_is_not_suspected(app, watch):
    assert watch.suspects() == ALWAYS


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("ledger.balances", "UPDATE account SET balance = balance + 1 WHERE kind = 'wallet'"),
        ("market.sold", "UPDATE lead SET sold = 0"),
        ("market.slots", "UPDATE order_line SET slot = 5 WHERE slot = 1"),
        ("market.lines", "UPDATE purchase SET quantity = 7"),
        ("market.holds", "UPDATE hold SET status = 'active'"),
        ("leads.sealed_population", "UPDATE batch SET population = population + 1"),
        ("fulfillment.windows", "UPDATE order_line SET window_until = NULL"),
    ],
)
def test_what_is_spoiled_is_found_as_by_each(cast, watch, name, statement):
    listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED)
    for buyer in (cast.buyer, cast.other_buyer):
        buy(buyer, listing)
    assert watch.violations() == []
    db.session.execute(text(statement))
    found = watch.violations()
    assert any(one.startswith(f"{name}: ") for one in found)
    assert found == violations()
    db.session.rollback()
