"""What sellers are told of an offer: shares with their n, medians, and nothing under twenty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.fulfillment import queries
from exchange.fulfillment.services import settlements
from exchange.market.models import Order
from exchange.market.queries.offers import TAKEN_MIN
from tests.doorbell import run_jobs
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import pass_time
from tests.factories.offers import contract_of, targeted_terms
from tests.factories.posts import post

POSTED = TAKEN_MIN + 1


@pytest.fixture
def terms(cast):
    """A source in good standing that brought leads; the wallet covers all but one."""
    made = targeted_terms(cast.seller, cast.buyer)
    fund_wallet(cast.buyer, contract_of(made).price.amount * TAKEN_MIN)
    with unit_of_work():
        for _ in range(POSTED):
            post(cast.seller, made)
        clock.advance(timedelta(minutes=10))
    run_jobs()
    return made


def record_of(terms) -> queries.OfferRecord:
    return queries.offer_records([terms.contract_id])[terms.contract_id]


def test_shares_and_medians_with_their_n(cast, client, terms):
    found = record_of(terms)
    assert (found.taken.part, found.taken.n) == (TAKEN_MIN, POSTED)
    assert found.taken.share == pytest.approx(TAKEN_MIN / POSTED)
    assert found.delivery.median is not None
    assert timedelta(minutes=10) <= found.delivery.median < timedelta(minutes=11)
    assert (found.paid.share, found.payment.median) == (None, None)
    page = cast.other_seller.sign_in(client).get("/sellers/offers").text
    assert "of 21 leads brought by sellers 95" in page


def test_what_is_paid_is_told_once_windows_are_closed(cast, client, terms):
    pass_time()
    for order_id in db.session.scalars(select(Order.id)).all():
        settlements.settle_order(order_id=order_id, actor=SYSTEM)
    db.session.commit()
    found = record_of(terms)
    assert (found.paid.part, found.paid.n, found.paid.share) == (TAKEN_MIN, TAKEN_MIN, 1.0)
    assert found.payment.median is not None
    assert found.payment.median > timedelta(hours=72)
    key = cast.other_seller.key("batch:read")
    (shown,) = client.get("/api/v1/offers", headers=key).json["data"]
    assert shown["record"]["paid"] == {"share": 1.0, "n": TAKEN_MIN}
    assert shown["record"]["payment"]["median_seconds"] > 72 * 3600
    assert shown["record"]["approved"] == {"share": None, "n": 0}
