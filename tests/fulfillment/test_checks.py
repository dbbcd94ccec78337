"""The invariants of what follows a sale find what they are there for."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from exchange.core.db import db
from exchange.core.invariants import violations
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import returns
from tests.factories.fulfillment import make_return


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("fulfillment.windows", "UPDATE order_line SET window_until = NULL"),
        ("fulfillment.refunds", "UPDATE order_line SET refunded = price_amount - 1"),
        ("fulfillment.refunds", "UPDATE order_line SET status = 'settled'"),
        ("fulfillment.approvals", "UPDATE order_line SET status = 'delivered', refunded = 0"),
    ],
)
def test_what_is_spoiled_is_found(cast, name, statement):
    made = make_return(cast)
    returns.decide(
        return_id=made.id,
        outcome=ReturnOutcome.APPROVED,
        explanation="Made up.",
        actor=cast.admin.actor,
    )
    assert violations() == []
    db.session.execute(text(statement))
    assert any(found.startswith(name) for found in violations())
    db.session.rollback()
