"""The price hint: its parts multiply to it, and where too little was sold there is none."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.leads.models import Batch
from exchange.sellers import queries
from exchange.sellers.price_hints import hints_for, price_hint
from exchange.verification.queries import Cell
from exchange.verification.reputation import LotCount, judge_source
from tests.cast import Cast
from tests.doorbell import run_jobs
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing, place
from tests.verification.lots import make_decided

PAID = Money(36_700, Currency.USD)


def test_the_parts_multiply_to_the_hint() -> None:
    standing = judge_source([LotCount(good=60, bad=4)] * 6)
    hint = price_hint(PAID, standing)
    expected = 36_700 * (1 - standing.mean) * (1 - 0.5 * (standing.next_upper - standing.mean))
    assert hint.price == Money(int(expected), Currency.USD)
    assert hint.price < PAID
    assert not hint.is_new


def test_a_better_record_is_worth_more() -> None:
    good = price_hint(PAID, judge_source([LotCount(good=22, bad=0)] * 8))
    poor = price_hint(PAID, judge_source([LotCount(good=58, bad=6)] * 8))
    assert poor.price < good.price


def test_without_sales_there_is_none(cast: Cast) -> None:
    lot = make_decided(cast.seller)
    batch = db.session.get_one(Batch, lot.batch_id)
    cell = Cell(batch.organization_id, batch.vertical_id, batch.source_id)
    assert hints_for({cell: None}) == {}
    found = hints_for({cell: PAID})[cell]
    assert found == price_hint(PAID, judge_source([LotCount(lot.good, lot.bad)]))
    assert found.is_new


def test_the_seller_sees_it_beside_the_price(client: FlaskClient, cast: Cast) -> None:
    listing = make_listing(cast.seller, leads=25)
    [view] = queries.listing_views(viewer=cast.seller.organization.id).items
    assert view.hint is None
    fund_wallet(cast.buyer, 10_000_00)
    place(cast.buyer, listing, 20)
    db.session.commit()
    run_jobs()
    [view] = queries.listing_views(viewer=cast.seller.organization.id).items
    assert view.hint is not None
    cast.seller.sign_in(client)
    page = re.sub(r"\s+", " ", client.get("/sellers/listings").get_data(as_text=True))
    assert "Price hint: " in page
    assert "likely sound" in page
