"""The market's invariants find what they are there for; the tables keep most of it out anyway."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from exchange.core.db import db
from exchange.core.invariants import violations
from exchange.leads.models import LeadKind
from tests.factories.fulfillment import buy
from tests.factories.market import make_listing

SPOILED = {
    "market.sold": "UPDATE lead SET sold = 0",
    "market.slots": "UPDATE order_line SET slot = 5",
    "market.holds": "UPDATE hold SET status = 'active'",
    "market.lines": "UPDATE purchase SET quantity = 7",
    "market.price": "UPDATE purchase SET price_amount = price_amount + 1",
    "market.offered": "UPDATE listing SET is_aged = true",
}


@pytest.fixture
def sale(cast):
    listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED)
    return [*buy(cast.buyer, listing), *buy(cast.other_buyer, listing)]


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_spoiled_is_found(sale, name):
    if name == "market.slots":  # one line alone: two may not hold the same slot in the table
        db.session.execute(text(f"{SPOILED[name]} WHERE slot = 1"))
    else:
        db.session.execute(text(SPOILED[name]))
    assert any(found.startswith(name) for found in violations())
    db.session.rollback()


@pytest.mark.parametrize(
    ("statement", "guard"),
    [
        ("UPDATE lead SET sold = 4", "ck_lead_sold"),
        ("UPDATE order_line SET slot = 0", "uq_order_line_lead_id_slot"),
        ("UPDATE order_line SET slot = NULL", "ck_order_line_holds"),
        ("UPDATE order_line SET refunded = price_amount + 1", "ck_order_line_refunded"),
        (
            "UPDATE order_line SET buyer_id = (SELECT max(buyer_id::text)::uuid FROM order_line)",
            "ix_order_line_lead_id_buyer_id",
        ),
    ],
)
def test_the_tables_refuse(sale, statement, guard):
    with pytest.raises(Exception, match=guard), db.session.begin_nested():
        db.session.execute(text(statement))
