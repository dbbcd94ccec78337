"""Leads that were sold alone may be listed once more, ninety days later, with their history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exchange.catalog.policies import ReturnReason
from exchange.core import clock
from exchange.core.db import get
from exchange.core.errors import Conflict, Gone
from exchange.core.money import Currency, Money
from exchange.leads.models import Lead, LeadKind, LeadStatus
from exchange.leads.services import batches, suppression
from exchange.market import queries
from exchange.market.models import LineStatus, Listing, OrderLine
from exchange.market.queries import Stock
from exchange.market.services import listings
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, fresh, make_return
from tests.factories.market import make_listing, place

QUARTER = timedelta(days=91)
PRICE = Money(9_00, Currency.USD)


@pytest.fixture
def listing(cast) -> Listing:
    return make_listing(cast.seller, leads=6)


@pytest.fixture
def sold(cast, listing, sweep, run_jobs) -> list[OrderLine]:
    """Four of the six leads, settled."""
    lines = list(buy(cast.buyer, listing, 4))
    clock.advance(timedelta(days=10))
    settle(sweep, run_jobs)
    assert {fresh(line).status for line in lines} == {LineStatus.SETTLED}
    clock.advance(QUARTER)
    return lines


def settle(sweep, run_jobs) -> None:
    sweep("fulfillment.settle")
    run_jobs()


def offer(cast, listing: Listing, price: Money | None = PRICE) -> Listing:
    return listings.offer_aged(batch_id=listing.batch_id, price=price, actor=cast.seller.actor)


def test_a_search_tells_them_from_leads_that_nobody_had(cast, listing, sold):
    aged, viewer = offer(cast, listing), cast.other_buyer.organization.id
    for is_aged, found in ((True, [(aged.id, 4)]), (False, [(listing.id, 2)])):
        filters = queries.Filters(is_aged=is_aged)
        items = queries.search(viewer=viewer, filters=filters).items
        assert [(one.listing.id, one.available) for one in items] == found
        assert queries.facets(viewer=viewer, filters=filters).aged == {"true": 4, "false": 2}


def test_what_was_sold_is_sold_once_more_to_others(cast, listing, sold):
    aged = offer(cast, listing)
    assert queries.stocks([aged, listing]) == {
        aged.id: Stock(leads=4, sold=0, left=4), listing.id: Stock(leads=6, sold=4, left=2),
    }  # fmt: skip
    lines = buy(cast.other_buyer, aged, 4)
    assert {line.lead_id for line in lines} == {line.lead_id for line in sold}
    assert {(line.slot, line.price) for line in lines} == {(1, PRICE)}
    assert queries.stocks([aged])[aged.id] == Stock(leads=4, sold=4, left=0)
    assert queries.stocks([listing])[listing.id] == Stock(leads=6, sold=4, left=2)


def test_who_had_the_lead_never_gets_it_again(cast, listing, sold):
    aged = offer(cast, listing)
    fund_wallet(cast.buyer, 100_00)
    assert queries.sellable_leads(aged, viewer=cast.buyer.organization.id).items == []
    with pytest.raises(Gone) as refused:
        place(cast.buyer, aged)
    assert refused.value.facts["left"] == 0


def test_a_lead_is_aged_once(cast, listing, sold, sweep, run_jobs):
    aged = offer(cast, listing)
    buy(cast.other_buyer, aged, 4)
    clock.advance(timedelta(days=10))
    settle(sweep, run_jobs)
    clock.advance(QUARTER)
    with pytest.raises(Conflict) as refused:
        offer(cast, listing)
    assert refused.value.code == "nothing_ripe"


def test_what_ripens_later_joins_the_same_listing(cast, listing, sold, sweep, run_jobs):
    aged = offer(cast, listing)
    buy(cast.other_buyer, listing, 2)
    clock.advance(timedelta(days=10))
    settle(sweep, run_jobs)
    clock.advance(QUARTER)
    assert offer(cast, listing, price=None) is aged
    assert queries.stocks([aged])[aged.id].left == 6


def test_ninety_days_are_kept(cast, listing, sweep, run_jobs):
    buy(cast.buyer, listing, 1)
    clock.advance(timedelta(days=10))
    settle(sweep, run_jobs)
    clock.advance(timedelta(days=79))
    with pytest.raises(Conflict):
        offer(cast, listing)
    clock.advance(timedelta(days=1))
    assert offer(cast, listing)


def test_its_history_is_shown(cast, listing, sold):
    aged = offer(cast, listing)
    page = queries.sellable_leads(aged, viewer=cast.other_buyer.organization.id)
    assert {lead.first_sold_at for lead in page.items} == {line.delivered_at for line in sold}
    assert {(lead.sold, lead.sales_max) for lead in page.items} == {(1, 2)}


def test_the_ordinary_listing_never_sells_an_aged_lead(cast, listing, sold):
    offer(cast, listing)
    page = queries.sellable_leads(listing, viewer=cast.other_buyer.organization.id)
    assert len(page.items) == 2
    fund_wallet(cast.other_buyer, 1_000_00)
    with pytest.raises(Gone):
        place(cast.other_buyer, listing, lead_ids=[sold[0].lead_id])


class TestNever:
    """What was not lost for time or price stays where it is."""

    def left(self, cast, listing) -> int:
        aged = offer(cast, listing)
        return queries.stocks([aged])[aged.id].left

    def test_a_person_who_is_suppressed(self, cast, listing, sold):
        suppression.suppress_person(
            lead_id=sold[0].lead_id, origin="do_not_call", actor=cast.seller.actor
        )
        assert self.left(cast, listing) == 3

    def test_a_lead_that_was_found_bad(self, cast, listing, sold):
        batches.quarantine_leads(
            lead_ids=[sold[0].lead_id], reason="failed_check", actor=cast.admin.actor
        )
        assert self.left(cast, listing) == 3

    def test_a_lead_under_a_return(self, cast, listing, sweep, run_jobs):
        lines = buy(cast.buyer, listing, 2)
        make_return(cast, lines[0], reason=ReturnReason.FICTITIOUS)
        clock.advance(timedelta(hours=73))
        settle(sweep, run_jobs)
        clock.advance(QUARTER)
        assert fresh(lines[0]).status is LineStatus.DELIVERED
        assert self.left(cast, listing) == 1

    def test_a_shared_lead(self, cast, sweep, run_jobs):
        shared = make_listing(cast.seller, leads=2, kind=LeadKind.SHARED, sales_max=2)
        for buyer in (cast.buyer, cast.other_buyer):
            buy(buyer, shared, 2)
        clock.advance(timedelta(days=10))
        settle(sweep, run_jobs)
        clock.advance(QUARTER)
        with pytest.raises(Conflict):
            offer(cast, shared)

    def test_a_lead_whose_person_objects_meanwhile(self, cast, listing, sold):
        aged = offer(cast, listing)
        suppression.suppress_person(
            lead_id=sold[0].lead_id, origin="objection", actor=cast.admin.actor
        )
        assert fresh(get(Lead, sold[0].lead_id)).status is LeadStatus.SUPPRESSED
        assert queries.stocks([aged])[aged.id].left == 3
