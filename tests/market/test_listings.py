"""Listings: from a decided lot to sale, a new price as new terms, paused and withdrawn."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.catalog.policies import QualityClass
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, Forbidden, IllegalTransition, Invalid, NotFound
from exchange.core.events import Event
from exchange.core.money import Currency, Money
from exchange.core.states import transition
from exchange.identity import services as identity
from exchange.leads.models import BatchStatus, LeadKind
from exchange.leads.services import batches
from exchange.market import queries
from exchange.market.models import ListingMode, ListingStatus
from exchange.market.services import listings
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.contracts import make_contract
from tests.factories.leads import make_batch
from tests.factories.market import make_draft, make_listing, place

OTHER_PRICE = Money(39_99, Currency.USD)


def decide(batch, decision: BatchStatus):
    """Move a lot as the spot check does; its listener in the market acts."""
    transition(batch, decision, actor=SYSTEM)
    return queries.find_listing_of_batch(batch.id)


class TestListeners:
    def test_an_accepted_lot_goes_on_sale_on_its_own_terms(self, cast):
        batch = make_batch(cast.seller, status=BatchStatus.SAMPLING, price=41_00)
        listing = decide(batch, BatchStatus.ACCEPTED)
        assert listing.status is ListingStatus.PUBLISHED
        assert listing.price == Money(41_00, Currency.USD)
        assert listing.quality_class is QualityClass.STANDARD
        (terms,) = queries.terms_history(listing.id)
        assert (terms.version, terms.sales_max, terms.return_window_hours) == (1, 1, 72)
        assert terms.vertical_terms_version == 1

    def test_a_lot_of_a_seller_who_may_not_trade_waits_for_approval(self, cast):
        seller = cast.seller.organization
        identity.suspend_organization(organization_id=seller.id, reason="papers", actor=SYSTEM)
        batch = make_batch(cast.seller, status=BatchStatus.SAMPLING)
        listing = decide(batch, BatchStatus.ACCEPTED)
        assert listing.status is ListingStatus.DRAFT
        identity.approve_organization(organization_id=seller.id, actor=SYSTEM)
        assert listing.status is ListingStatus.PUBLISHED

    def test_an_undecided_lot_that_is_released_is_sold_as_unverified(self, cast):
        batch = make_batch(cast.seller, status=BatchStatus.SAMPLING)
        assert decide(batch, BatchStatus.UNDECIDED) is None
        listing = decide(batch, BatchStatus.ACCEPTED)
        assert listing.quality_class is QualityClass.UNVERIFIED

    def test_a_full_inspection_pauses_the_sale_and_its_end_resumes_it(self, cast):
        batch = make_batch(cast.seller)
        listing = make_listing(cast.seller, batch)
        decide(batch, BatchStatus.IN_FULL_INSPECTION)
        assert (listing.status, listing.pause_reason) == (ListingStatus.PAUSED, "inspection")
        with pytest.raises(Conflict):
            listings.publish(listing_id=listing.id, actor=cast.seller.actor)
        decide(batch, BatchStatus.ACCEPTED)
        assert (listing.status, listing.pause_reason) == (ListingStatus.PUBLISHED, "")

    def test_what_the_seller_paused_stays_paused_after_an_inspection(self, cast):
        batch = make_batch(cast.seller)
        listing = make_listing(cast.seller, batch)
        listings.pause(listing_id=listing.id, actor=cast.seller.actor)
        decide(batch, BatchStatus.IN_FULL_INSPECTION)
        decide(batch, BatchStatus.ACCEPTED)
        assert listing.status is ListingStatus.PAUSED

    def test_a_lot_found_bad_after_all_stays_off_sale(self, cast):
        batch = make_batch(cast.seller)
        listing = make_listing(cast.seller, batch)
        decide(batch, BatchStatus.IN_FULL_INSPECTION)
        decide(batch, BatchStatus.REJECTED)
        assert listing.status is ListingStatus.PAUSED

    def test_a_lot_that_is_taken_back_ends_its_listing(self, cast):
        batch = make_batch(cast.seller)
        listing = make_listing(cast.seller, batch)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        assert listing.status is ListingStatus.WITHDRAWN

    def test_targeted_leads_are_listed_for_their_contract_alone(self, cast):
        contract = make_contract(cast.buyer)
        batch = make_batch(cast.seller, contract_id=contract.id, status=BatchStatus.SAMPLING)
        listing = decide(batch, BatchStatus.ACCEPTED)
        assert (listing.mode, batch.kind) == (ListingMode.TARGETED, LeadKind.TARGETED)

    def test_listing_a_lot_twice_gives_one_listing(self, cast):
        batch = make_batch(cast.seller)
        first = make_listing(cast.seller, batch)
        assert listings.create_from_batch(batch) is first
        assert len(queries.terms_history(first.id)) == 1

    def test_published_terms_set_the_commission(self, cast):
        vertical = make_vertical()
        assert billing.commission_bps(vertical.code, clock.now()) == 1_800


class TestCreate:
    def test_offers_an_accepted_lot_that_has_no_listing(self, cast):
        listing = make_draft(cast.seller)
        assert listing.status is ListingStatus.DRAFT
        listings.publish(listing_id=listing.id, actor=cast.seller.actor)
        assert listing.published_at is not None

    def test_refuses_another_sellers_lot(self, cast):
        batch = make_batch(cast.other_seller)
        with pytest.raises(NotFound):
            listings.create(batch_id=batch.id, actor=cast.seller.actor)

    def test_refuses_a_second_listing(self, cast):
        batch = make_batch(cast.seller)
        make_listing(cast.seller, batch)
        with pytest.raises(Conflict) as refused:
            listings.create(batch_id=batch.id, actor=cast.seller.actor)
        assert refused.value.code == "already_listed"

    @pytest.mark.parametrize("status", [BatchStatus.SAMPLING, BatchStatus.REJECTED])
    def test_refuses_a_lot_that_is_not_accepted(self, cast, status):
        batch = make_batch(cast.seller, status=status)
        with pytest.raises(Conflict) as refused:
            listings.create(batch_id=batch.id, actor=cast.seller.actor)
        assert refused.value.code == "not_accepted"

    def test_refuses_targeted_leads(self, cast):
        batch = make_batch(cast.seller, contract_id=make_contract(cast.buyer).id)
        with pytest.raises(Conflict):
            listings.create(batch_id=batch.id, actor=cast.seller.actor)


class TestPublish:
    def test_refuses_a_lot_that_is_sold_out(self, cast):
        listing = make_listing(cast.seller, leads=1)
        fund_wallet(cast.buyer)
        place(cast.buyer, listing)
        listings.pause(listing_id=listing.id, actor=cast.seller.actor)
        with pytest.raises(Conflict) as refused:
            listings.publish(listing_id=listing.id, actor=cast.seller.actor)
        assert refused.value.code == "sold_out"

    def test_refuses_a_suspended_seller(self, cast):
        listing = make_draft(cast.seller)
        identity.suspend_organization(
            organization_id=cast.seller.organization.id, reason="papers", actor=SYSTEM
        )
        with pytest.raises(Forbidden):
            listings.publish(listing_id=listing.id, actor=cast.seller.actor)

    def test_is_refused_the_second_time(self, cast):
        listing = make_listing(cast.seller)
        with pytest.raises(IllegalTransition):
            listings.publish(listing_id=listing.id, actor=cast.seller.actor)

    @pytest.mark.parametrize("verb", [listings.publish, listings.pause, listings.withdraw])
    def test_strangers_find_nothing(self, cast, verb):
        listing = make_listing(cast.seller)
        for stranger in (cast.other_seller, cast.buyer):
            with pytest.raises(NotFound):
                verb(listing_id=listing.id, actor=stranger.actor)

    def test_staff_may_stop_a_sale(self, cast):
        listing = make_listing(cast.seller)
        listings.pause(listing_id=listing.id, reason="complaints", actor=cast.admin.actor)
        assert listing.status is ListingStatus.PAUSED

    def test_a_withdrawn_listing_stays_withdrawn(self, cast):
        listing = make_listing(cast.seller)
        listings.withdraw(listing_id=listing.id, actor=cast.seller.actor)
        with pytest.raises(IllegalTransition):
            listings.publish(listing_id=listing.id, actor=cast.seller.actor)


class TestSetPrice:
    def test_makes_a_new_version_and_keeps_the_old_one(self, cast):
        listing = make_listing(cast.seller, price=45_00)
        listings.set_price(listing_id=listing.id, price=OTHER_PRICE, actor=cast.seller.actor)
        prices = {t.version: t.price.amount for t in queries.terms_history(listing.id)}
        assert prices == {1: 45_00, 2: 39_99}
        assert (listing.terms_version, listing.price) == (2, OTHER_PRICE)
        event = db.session.scalars(select(Event).where(Event.type == "listing.priced")).one()
        assert event.facts == {"before": 45_00, "price": 39_99, "version": 2}

    def test_the_same_price_again_changes_nothing(self, cast):
        listing = make_listing(cast.seller)
        for _ in range(2):
            listings.set_price(listing_id=listing.id, price=OTHER_PRICE, actor=cast.seller.actor)
        assert listing.terms_version == 2

    def test_an_order_keeps_the_price_it_was_placed_at(self, cast):
        listing = make_listing(cast.seller, price=45_00)
        fund_wallet(cast.buyer)
        order = place(cast.buyer, listing)
        listings.set_price(listing_id=listing.id, price=OTHER_PRICE, actor=cast.seller.actor)
        assert queries.get_agreed_terms(order).price.amount == 45_00

    @pytest.mark.parametrize(
        "price",
        [Money(0, Currency.USD), Money(-1, Currency.USD), Money(10**9 + 1, Currency.USD),
         Money(39_99, Currency.EUR)],
    )  # fmt: skip
    def test_refuses_what_is_no_price(self, cast, price):
        listing = make_listing(cast.seller)
        with pytest.raises(Invalid):
            listings.set_price(listing_id=listing.id, price=price, actor=cast.seller.actor)

    def test_refuses_another_seller(self, cast):
        listing = make_listing(cast.seller)
        with pytest.raises(NotFound):
            listings.set_price(
                listing_id=listing.id, price=OTHER_PRICE, actor=cast.other_seller.actor
            )

    def test_refuses_an_ended_listing(self, cast):
        listing = make_listing(cast.seller)
        listings.withdraw(listing_id=listing.id, actor=cast.seller.actor)
        with pytest.raises(Conflict):
            listings.set_price(listing_id=listing.id, price=OTHER_PRICE, actor=cast.seller.actor)


class TestVisibility:
    def test_a_draft_is_seen_by_its_seller_and_by_staff_alone(self, cast):
        listing = make_draft(cast.seller)
        assert queries.get_listing(listing.id, viewer=cast.seller.organization.id) is listing
        assert queries.get_listing(listing.id, viewer=None) is listing
        with pytest.raises(NotFound):
            queries.get_listing(listing.id, viewer=cast.buyer.organization.id)

    def test_a_seller_lists_the_own_listings(self, cast):
        mine, _ = make_listing(cast.seller), make_listing(cast.other_seller)
        page = queries.listings_of_seller(cast.seller.organization.id)
        assert list(page.items) == [mine]

    def test_counts_what_is_sold_and_left(self, cast):
        listing = make_listing(cast.seller, leads=5)
        fund_wallet(cast.buyer)
        place(cast.buyer, listing, 2)
        stock = queries.stocks([listing])[listing.id]
        assert (stock.leads, stock.sold, stock.left) == (5, 2, 3)
