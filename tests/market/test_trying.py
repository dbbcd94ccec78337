"""Five leads at random for a buyer who never bought from a listing."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import func, literal, select

from exchange.core.db import db
from exchange.core.errors import Conflict, Gone
from exchange.leads.models import Lead
from exchange.market import matching, queries
from exchange.market.models import Listing, Order
from exchange.market.services import orders
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing, place

SEED = bytes(range(16))


@pytest.fixture
def listing(cast) -> Listing:
    fund_wallet(cast.buyer, 10_000_00)
    return make_listing(cast.seller, leads=40)


def attempt(player, listing: Listing, *, seed: bytes = SEED, version: int | None = None) -> Order:
    return orders.place_test_order(
        buyer_id=player.organization.id,
        listing_id=listing.id,
        terms_version=listing.terms_version if version is None else version,
        seed=seed,
        actor=player.actor,
    )


def bought(order: Order) -> set[object]:
    return {line.lead_id for line in queries.lines_of(order.id)}


def test_the_leads_are_those_that_the_recorded_seed_draws(cast, listing):
    lots = db.session.scalars(select(Lead.id).where(Lead.batch_id == listing.batch_id)).all()
    order = attempt(cast.buyer, listing)
    drawn = sorted(lots, key=lambda lead_id: matching.ticket(SEED, lead_id))[:5]
    assert bought(order) == set(drawn)
    assert (order.test_seed, order.is_test, order.quantity) == (SEED, True, 5)
    assert order.price == listing.price


def test_another_seed_draws_others(cast, listing):
    fund_wallet(cast.other_buyer, 1_000_00)
    first = attempt(cast.buyer, listing)
    assert bought(attempt(cast.other_buyer, listing, seed=b"other")) != bought(first)


def test_a_listing_is_tried_once_and_only_before_anything_else(cast, listing):
    attempt(cast.buyer, listing)
    with pytest.raises(Conflict) as refused:
        attempt(cast.buyer, listing)
    assert refused.value.code == "bought_before"
    fund_wallet(cast.other_buyer, 1_000_00)
    place(cast.other_buyer, listing)
    with pytest.raises(Conflict):
        attempt(cast.other_buyer, listing)


def test_nobody_gets_fewer_than_promised(cast):
    fund_wallet(cast.buyer, 10_000_00)
    with pytest.raises(Gone) as refused:
        attempt(cast.buyer, make_listing(cast.seller, leads=4))
    assert refused.value.facts["left"] == 4


def test_the_terms_are_agreed_to_as_in_every_order(cast, listing):
    with pytest.raises(Conflict) as refused:
        attempt(cast.buyer, listing, version=7)
    assert refused.value.code == "terms_changed"


def test_the_database_draws_as_the_rule_does(cast, listing):
    seed = os.urandom(16)
    found = func.sha256(literal(seed).concat(func.uuid_send(Lead.id)))
    rows = db.session.execute(select(Lead.id, found.label("ticket")).limit(10)).all()
    assert all(matching.ticket(seed, row.id) == bytes(row.ticket) for row in rows)
