"""The form of a contract: what cannot be meant is refused, and nothing is lost on the way."""

from __future__ import annotations

from datetime import time
from itertools import pairwise

import pytest
from sqlalchemy import select

from exchange.core.db import db
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import Opening
from tests.buyers.support import keep, text_of
from tests.buyers.test_contracts import HOME, page, send
from tests.factories.contracts import make_contract

__all__ = ["page"]


@pytest.mark.parametrize(
    "typed",
    [
        {"bad_upper_max": "inf"},
        {"s0.days": "\u00b2", "s0.from": "09:00", "s0.to": "10:00"},
        {"ends_at": "9999-12-31T23:59"},
        {"pricing_model": "cpa", "action": "sale", "attribution_days": "0"},
    ],
)
def test_what_is_no_value_is_no_fault_of_ours(page, typed):
    assert send(page, **typed).status_code == 422
    assert db.session.scalar(select(Contract)) is None


def test_a_long_schedule_is_shown_whole(page, cast):
    """Who opens it and saves it again changes nothing."""
    hours = [time(n // 2, n % 2 * 30) for n in range(31)]
    schedule = tuple(Opening(frozenset({0}), begins, ends) for begins, ends in pairwise(hours))
    made = make_contract(cast.buyer, schedule=schedule)
    keep()
    assert "s29.from" in text_of(page.get(f"{HOME}/{made.public_id}/edit"))
