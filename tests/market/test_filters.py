"""Several listings over one lot: each at its price, a lead sold once whichever it is bought from."""

from __future__ import annotations

import pytest

from exchange.core.errors import Conflict, Gone, Invalid, NotFound
from exchange.market import queries
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries import Filters, Stock
from exchange.market.services import listings
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.fulfillment import fresh
from tests.factories.leads import make_batch
from tests.factories.market import make_listing, place

REPAIR = {"field": "scope", "is": "repair"}  # a third of the leads that tests make
NEW = {"field": "scope", "is": "new"}


@pytest.fixture
def whole(cast) -> Listing:
    fund_wallet(cast.buyer, 10_000_00)
    return make_listing(cast.seller, leads=18)


def make_filter(cast, whole: Listing, criteria=REPAIR, **options) -> Listing:
    made = listings.create(
        batch_id=whole.batch_id, criteria=criteria, actor=cast.seller.actor, **options
    )
    return listings.publish(listing_id=made.id, actor=cast.seller.actor)


def scopes(order) -> set[str]:
    lines = queries.lines_of(order.id)
    leads = queries.leads_of_lines([line.lead_id for line in lines])
    return {lead.attributes["scope"] for lead in leads.values()}


class TestStock:
    def test_counts_what_fits_and_so_does_the_whole(self, cast, whole):
        repairs = make_filter(cast, whole)
        place(cast.buyer, repairs, 2)
        found = queries.stocks([whole, repairs])
        assert found[repairs.id] == Stock(leads=6, sold=2, left=4)
        assert found[whole.id] == Stock(leads=18, sold=2, left=16)

    def test_an_order_takes_only_what_fits(self, cast, whole):
        repairs = make_filter(cast, whole)
        assert scopes(place(cast.buyer, repairs, 6)) == {"repair"}
        fund_wallet(cast.other_buyer)
        with pytest.raises(Gone) as refused:
            place(cast.other_buyer, repairs, 1)
        assert refused.value.code == "sold_out"

    def test_a_lead_of_the_lot_that_does_not_fit_cannot_be_chosen(self, cast, whole):
        news, repairs = make_filter(cast, whole, NEW), make_filter(cast, whole)
        chosen = queries.sellable_leads(news, viewer=cast.buyer.organization.id).items[0].id
        with pytest.raises(Gone):
            place(cast.buyer, repairs, lead_ids=[chosen])

    def test_the_masked_page_and_its_count_are_of_what_fits(self, cast, whole):
        repairs = make_filter(cast, whole)
        page = queries.sellable_leads(repairs, viewer=cast.buyer.organization.id)
        assert {lead.attributes["scope"] for lead in page.items} == {"repair"}
        assert queries.count_sellable(repairs, viewer=cast.buyer.organization.id) == 6

    def test_search_counts_each_listing_by_itself(self, cast, whole):
        repairs = make_filter(cast, whole)
        found = queries.search(viewer=cast.buyer.organization.id, filters=Filters()).items
        assert {one.listing.id: one.available for one in found} == {whole.id: 18, repairs.id: 6}

    def test_says_sold_out_when_nothing_that_fits_is_left(self, cast, whole, sweep, run_jobs):
        repairs = make_filter(cast, whole)
        place(cast.buyer, whole, 18)
        sweep("market.reflect_stock")
        run_jobs()
        assert {fresh(one).status for one in (whole, repairs)} == {ListingStatus.SOLD_OUT}


class TestCreate:
    def test_has_a_price_of_its_own(self, cast, whole):
        price = type(whole.price)(99_00, whole.price.currency)
        order = place(cast.buyer, make_filter(cast, whole, price=price))
        assert order.price == price != whole.price

    def test_the_same_filter_is_listed_once(self, cast, whole):
        first = make_filter(cast, whole)
        with pytest.raises(Conflict) as refused:
            make_filter(cast, whole)
        assert refused.value.code == "already_listed"
        listings.withdraw(listing_id=first.id, actor=cast.seller.actor)
        assert make_filter(cast, whole)

    def test_a_filter_points_at_nobody(self, cast):
        few = make_listing(cast.seller, leads=12)  # four of each
        with pytest.raises(Invalid) as refused:
            make_filter(cast, few)
        assert refused.value.errors[0].code == "too_few"

    @pytest.mark.parametrize("criteria", [{"field": "phone", "is": "1"}, {"field": "scope"}, []])
    def test_refuses_what_is_no_filter(self, cast, whole, criteria):
        if not criteria:
            criteria = {"any": "x"}
        with pytest.raises(Invalid):
            make_filter(cast, whole, criteria)

    def test_what_a_listing_is_about_does_not_move_with_the_day(self, cast):
        cars = make_listing(cast.seller, vertical=make_vertical("car_insurance_ru"), leads=6)
        with pytest.raises(Invalid) as refused:
            make_filter(cast, cars, {"field": "policy_ends_on", "within_days": [0, 30]})
        assert refused.value.errors[0].code == "undated"

    def test_refuses_another_sellers_lot(self, cast, whole):
        with pytest.raises(NotFound):
            listings.create(batch_id=whole.batch_id, criteria=REPAIR, actor=cast.other_seller.actor)


class TestLot:
    def test_what_happens_to_a_lot_happens_to_all_its_listings(self, cast, whole):
        repairs, batch = make_filter(cast, whole), queries.get_batch_of(whole)
        listings.suspend_sale_of_batch(batch_id=batch.id, reason="inspection")
        assert {one.status for one in (whole, repairs)} == {ListingStatus.PAUSED}
        assert listings.create_from_batch(batch) is whole
        assert {one.status for one in (whole, repairs)} == {ListingStatus.PUBLISHED}
        listings.end_sale_of_batch(batch_id=batch.id)
        assert {one.status for one in (whole, repairs)} == {ListingStatus.WITHDRAWN}

    def test_the_listing_of_a_lot_is_the_whole(self, cast):
        batch = make_batch(cast.seller, leads=18)
        whole = make_listing(cast.seller, batch)
        make_filter(cast, whole)
        assert queries.find_listing_of_batch(batch.id) is whole
        assert len(queries.listings_of_batch(batch.id)) == 2
