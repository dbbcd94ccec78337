"""What standing orders take is told in one line for each listing and day, in words and sums."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.core import clock
from exchange.core.db import db
from exchange.market.contract_terms import ActionTerms
from exchange.market.models import Listing, PricingModel
from exchange.market.services import matches
from exchange.notifications import services
from exchange.notifications.models import Notice
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of
from tests.factories.market import make_listing
from tests.notifications.test_notices import read_page

PRICE = 45_00


@pytest.fixture(autouse=True)
def money(cast: Cast) -> None:
    fund_wallet(cast.buyer)


@pytest.fixture
def listing(cast: Cast) -> Listing:
    return make_listing(cast.seller, leads=4, price=PRICE)


def take(listing: Listing, *numbers: int) -> None:
    """Let these leads of the listing meet the contracts, in a round of their own."""
    found = leads_of(matches.queries.get_batch_of(listing))
    matches.match_listing(listing_id=listing.id, lead_ids=[found[n].id for n in numbers])


def digests(cast: Cast) -> list[Notice]:
    own = Notice.organization_id == cast.seller.organization.id
    statement = select(Notice).where(own, Notice.kind == "listing.matched")
    return list(db.session.scalars(statement.order_by(Notice.day)))


def test_each_round_of_a_day_is_added_to_one_line(cast, client, listing):
    make_contract(cast.buyer, price=PRICE)
    take(listing, 0)
    take(listing, 1, 2)
    (said,) = digests(cast)
    db.session.refresh(said)
    assert (said.facts["sold"], said.facts["amount"]) == (3, 3 * PRICE)
    db.session.commit()
    page = read_page(client, cast.seller)
    assert "standing orders took 3 leads of “A lot of tests” for $135.00." in page
    assert f"/sellers/listings/{listing.public_id}" in page
    assert "Buyer of the South" not in page


def test_another_day_is_another_line(cast, listing):
    make_contract(cast.buyer, price=PRICE)
    take(listing, 0)
    clock.advance(timedelta(days=1))
    take(listing, 1)
    assert [said.facts["sold"] for said in digests(cast)] == [1, 1]


def test_another_listing_is_another_line(cast, listing):
    make_contract(cast.buyer, price=PRICE)
    take(listing, 0)
    take(make_listing(cast.seller, leads=1, price=PRICE), 0)
    assert len(digests(cast)) == 2


def test_who_has_read_it_is_not_called_again_that_day(cast, listing):
    make_contract(cast.buyer, price=PRICE)
    take(listing, 0)
    services.read(notice_id=digests(cast)[0].id, actor=cast.seller.actor)
    db.session.flush()
    take(listing, 1)
    (said,) = digests(cast)
    db.session.refresh(said)
    assert said.read_at is not None
    assert said.facts["sold"] == 2


def test_what_is_paid_by_an_action_is_told_as_that(cast, client, listing):
    action = ActionTerms("signed application", attribution_days=30, decision_days=7)
    make_contract(cast.buyer, pricing_model=PricingModel.CPA, action=action)
    listing.mode = type(listing.mode).CONTRACTS
    db.session.flush()
    take(listing, 0, 1)
    db.session.commit()
    page = read_page(client, cast.seller)
    assert "took 2 leads of “A lot of tests” that are paid by their actions." in page
    assert "for $0.00" not in page


def test_nothing_taken_is_nothing_told(cast, listing):
    make_contract(cast.buyer, price=PRICE - 1)
    take(listing, 0)
    assert digests(cast) == []
