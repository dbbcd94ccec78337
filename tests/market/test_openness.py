"""Whom a listing is open to, and in which ways it is bought from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import Conflict, NotFound
from exchange.market import queries
from exchange.market.models import Listing, ListingMode
from exchange.market.queries import Filters
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing, place


@pytest.fixture
def listing(cast) -> Listing:
    fund_wallet(cast.buyer, 10_000_00)
    return make_listing(cast.seller)


def visible(listing: Listing, viewer) -> bool:
    found = queries.search(viewer=viewer.organization.id, filters=Filters())
    in_search = listing in [one.listing for one in found.items]
    in_sql = db.session.scalar(
        select(Listing.id).where(Listing.id == listing.id, *queries.open_to(viewer.organization.id))
    )
    assert in_search == (in_sql is not None) == queries.may_see(listing, viewer.organization.id)
    return in_search


class TestLists:
    def test_who_is_denied_neither_sees_it_nor_buys(self, cast, listing):
        listing.buyers_never = [cast.buyer.organization.public_id]
        assert not visible(listing, cast.buyer)
        assert visible(listing, cast.other_buyer)
        with pytest.raises(NotFound):
            queries.get_listing(listing.id, viewer=cast.buyer.organization.id)
        with pytest.raises(NotFound):
            place(cast.buyer, listing)
        assert not queries.is_open_to(listing, cast.buyer.organization.public_id)

    def test_where_some_are_allowed_nobody_else_is(self, cast, listing):
        listing.buyers_only = [cast.buyer.organization.public_id]
        assert visible(listing, cast.buyer)
        assert not visible(listing, cast.other_buyer)
        assert place(cast.buyer, listing)

    def test_its_seller_and_staff_see_it_always(self, cast, listing):
        listing.buyers_only = [cast.other_buyer.organization.public_id]
        assert queries.get_listing(listing.id, viewer=cast.seller.organization.id) is listing
        assert queries.get_listing(listing.id, viewer=None) is listing

    def test_nobody_buys_when_its_time_is_over(self, cast, listing):
        listing.expires_at = clock.now() - timedelta(seconds=1)
        assert not visible(listing, cast.buyer)
        with pytest.raises(NotFound):
            place(cast.buyer, listing)


class TestModes:
    @pytest.mark.parametrize(
        ("mode", "code"),
        [(ListingMode.AUCTION, "auction_only"), (ListingMode.CONTRACTS, "contracts_only")],
    )
    def test_other_ways_to_sell_refuse_orders(self, cast, listing, mode, code):
        listing.mode = mode
        assert visible(listing, cast.buyer)
        with pytest.raises(Conflict) as refused:
            place(cast.buyer, listing)
        assert refused.value.code == code

    def test_a_targeted_listing_does_not_exist_for_others(self, cast, listing):
        listing.mode = ListingMode.TARGETED
        assert not visible(listing, cast.buyer)
        with pytest.raises(NotFound):
            place(cast.buyer, listing)
