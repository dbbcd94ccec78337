"""Placing an order: all or nothing, on the agreed terms, never the same person twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock, jobs
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save, unit_of_work
from exchange.core.errors import (
    Conflict,
    Forbidden,
    Gone,
    InsufficientFunds,
    Invalid,
    NotFound,
)
from exchange.core.events import Event
from exchange.core.ids import uuid7
from exchange.core.money import Currency, Money
from exchange.identity import services as identity
from exchange.leads.models import Contact, Lead, LeadKind, LeadStatus, SuppressionEntry
from exchange.leads.services.suppression import suppress_person
from exchange.market import matching, queries
from exchange.market.models import LineStatus, ListingStatus, Order, OrderLine, OrderStatus
from exchange.market.queries import stock
from exchange.market.services import listings
from tests.conftest import count_statements
from tests.factories.billing import fund_wallet
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.market import make_draft, make_listing, place

PRICE = 45_00


@pytest.fixture
def listing(cast):
    fund_wallet(cast.buyer)
    return make_listing(cast.seller, leads=10)


def wallet(player) -> int:
    owner = player.organization.id
    return billing.balance(owner, AccountKind.WALLET, Currency.USD).amount


def picked(order: Order) -> list[Lead]:
    return [db.session.get(Lead, line.lead_id) for line in queries.lines_of(order.id)]


class TestPlaceOrder:
    def test_takes_the_freshest_leads_and_their_price(self, cast, listing):
        order = place(cast.buyer, listing, 3)
        assert order.status is OrderStatus.FULFILLED
        assert order.total == Money(3 * PRICE, Currency.USD)
        assert [lead.row_number for lead in picked(order)] == [1, 2, 3]
        assert [line.slot for line in queries.lines_of(order.id)] == [0, 0, 0]
        assert wallet(cast.buyer) == 100_000_00 - 3 * PRICE

    def test_records_who_bought_what_from_whom(self, cast, listing):
        order = place(cast.buyer, listing, 2)
        event = db.session.scalars(select(Event).where(Event.type == "order.confirmed")).one()
        assert event.subject_id == order.id
        assert event.organization_id == cast.buyer.organization.id
        assert event.facts["quantity"] == 2
        assert event.facts["seller_id"] == str(cast.seller.organization.id)
        assert order.placed_by_id == cast.buyer.user.id

    def test_the_next_order_takes_the_next_leads(self, cast, listing):
        first, second = place(cast.buyer, listing, 4), place(cast.buyer, listing, 4)
        rows = [lead.row_number for order in (first, second) for lead in picked(order)]
        assert rows == [1, 2, 3, 4, 5, 6, 7, 8]

    def test_takes_exactly_the_chosen_leads(self, cast, listing):
        chosen = [lead.id for lead in leads_of(queries.get_batch_of(listing))[4:7]]
        order = place(cast.buyer, listing, lead_ids=chosen)
        assert {lead.id for lead in picked(order)} == set(chosen)
        assert order.quantity == 3

    def test_takes_what_the_criteria_ask_for(self, cast, listing):
        criteria = {"field": "project", "is": "windows"}
        order = place(cast.buyer, listing, 1, criteria=criteria)
        assert [lead.attributes["project"] for lead in picked(order)] == ["windows"]
        assert order.criteria == criteria

    def test_unknown_criteria_are_refused(self, cast, listing):
        with pytest.raises(Invalid) as refused:
            place(cast.buyer, listing, 1, criteria={"field": "phone", "is": "+16145550142"})
        assert refused.value.errors[0].code == "unknown_field"

    def test_sql_and_the_public_rule_agree_on_the_order(self, cast, listing):
        wanted = stock.Wanted(
            goods=stock.Goods.of(listing),
            vertical_id=listing.vertical_id,
            buyer_id=cast.buyer.organization.id,
            known_since=clock.now() - timedelta(days=60),
        )
        rows = db.session.execute(stock.candidates(wanted)).all()
        found = stock.read_candidates(wanted, rows)
        assert found == matching.in_order(found)
        assert len(found) == 10

    def test_a_thousand_leads_are_one_order(self, cast):
        fund_wallet(cast.buyer)
        big = make_listing(cast.seller, leads=1_000)
        order = place(cast.buyer, big, 1_000)
        assert queries.tally(order).counts == {LineStatus.DELIVERED: 1_000}


class TestRefusals:
    @pytest.mark.parametrize("quantity", [0, -1, 1_001, None])
    def test_a_senseless_quantity(self, cast, listing, quantity):
        with pytest.raises(Invalid):
            place(cast.buyer, listing, quantity)

    def test_criteria_do_not_tell_what_is_hidden_of_a_chosen_lead(self, cast, listing):
        lead = leads_of(queries.get_batch_of(listing))[0]
        guess = {"field": "postal_code", "is": lead.attributes["postal_code"]}
        with pytest.raises(Invalid):
            place(cast.buyer, listing, lead_ids=[lead.id], criteria=guess)

    def test_a_lead_twice_in_one_order(self, cast, listing):
        lead_id = leads_of(queries.get_batch_of(listing))[0].id
        with pytest.raises(Invalid):
            place(cast.buyer, listing, lead_ids=[lead_id, lead_id])

    def test_more_than_is_left_changes_nothing(self, cast, listing):
        with pytest.raises(Gone) as refused, db.session.begin_nested():
            place(cast.buyer, listing, 11)
        assert refused.value.code == "sold_out"
        assert refused.value.facts == {"left": 10}
        assert wallet(cast.buyer) == 100_000_00
        assert not db.session.scalars(select(Order)).all()
        assert all(lead.sold == 0 for lead in leads_of(queries.get_batch_of(listing)))

    def test_few_that_fit_are_not_counted(self, cast, listing):
        with pytest.raises(Gone) as refused:
            place(cast.buyer, listing, 10, criteria={"field": "project", "is": "windows"})
        assert refused.value.facts == {"left": None}

    def test_a_chosen_lead_that_is_gone(self, cast, listing):
        first = leads_of(queries.get_batch_of(listing))[0].id
        place(cast.buyer, listing, 1)
        fund_wallet(cast.other_buyer)
        with pytest.raises(Gone) as refused:
            place(cast.other_buyer, listing, lead_ids=[first])
        assert refused.value.code == "sold_out"

    def test_a_chosen_lead_of_another_lot(self, cast, listing):
        other = leads_of(make_batch(cast.seller, leads=1))[0]
        with pytest.raises(Gone):
            place(cast.buyer, listing, lead_ids=[other.id])

    def test_too_little_money_says_what_is_missing(self, cast):
        poor = make_listing(cast.seller, leads=3)
        fund_wallet(cast.buyer, PRICE + 1)
        with pytest.raises(InsufficientFunds) as refused, db.session.begin_nested():
            place(cast.buyer, poor, 2)
        assert refused.value.facts["missing"] == PRICE - 1
        assert all(lead.sold == 0 for lead in leads_of(queries.get_batch_of(poor)))

    def test_a_newcomer(self, cast, listing):
        with pytest.raises(Forbidden):
            place(cast.newcomer, listing)

    def test_a_seller(self, cast, listing):
        with pytest.raises(Forbidden):
            place(cast.other_seller, listing)

    def test_ones_own_leads(self, cast):
        own = make_listing(cast.buyer, leads=1)  # as an organization that does both would have
        with pytest.raises(Forbidden) as refused:
            place(cast.buyer, own)
        assert refused.value.code == "own_leads"

    def test_a_price_that_nobody_agreed_to(self, cast, listing):
        listings.set_price(
            listing_id=listing.id, price=Money(50_00, Currency.USD), actor=cast.seller.actor
        )
        with pytest.raises(Conflict) as refused:
            place(cast.buyer, listing, 1, terms_version=1)
        assert refused.value.code == "terms_changed"
        new = {"terms_version": 2, "amount": 50_00, "currency": "USD"}
        assert refused.value.facts == new
        assert place(cast.buyer, listing, 1, terms_version=2).total.amount == 50_00

    def test_a_paused_listing(self, cast, listing):
        listings.pause(listing_id=listing.id, actor=cast.seller.actor)
        with pytest.raises(Conflict) as refused:
            place(cast.buyer, listing)
        assert refused.value.code == "listing_unavailable"

    def test_a_draft_does_not_exist(self, cast):
        with pytest.raises(NotFound):
            place(cast.buyer, make_draft(cast.seller, leads=1))

    def test_an_unknown_listing(self, cast, listing):
        db.session.expunge(listing)
        listing.id = uuid7()
        with pytest.raises(NotFound):
            place(cast.buyer, listing)

    def test_a_suspended_seller(self, cast, listing):
        identity.suspend_organization(
            organization_id=cast.seller.organization.id, reason="papers", actor=SYSTEM
        )
        with pytest.raises(Conflict) as refused:
            place(cast.buyer, listing)
        assert refused.value.code == "listing_unavailable"


class TestExclusivity:
    def test_an_exclusive_lead_is_sold_once(self, cast):
        listing = make_listing(cast.seller, leads=1)
        fund_wallet(cast.buyer)
        fund_wallet(cast.other_buyer)
        place(cast.buyer, listing)
        with pytest.raises(Gone):
            place(cast.other_buyer, listing)

    def test_a_shared_lead_is_sold_to_so_many_buyers_and_no_more(self, cast):
        listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED, sales_max=2)
        for player in (cast.buyer, cast.other_buyer):
            fund_wallet(player)
            place(player, listing)
        (lead,) = leads_of(queries.get_batch_of(listing))
        slots = db.session.scalars(select(OrderLine.slot).where(OrderLine.lead_id == lead.id))
        assert sorted(slots) == [0, 1]
        assert lead.sold == 2

    def test_a_shared_lead_is_not_sold_to_one_buyer_twice(self, cast):
        listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED, sales_max=3)
        fund_wallet(cast.buyer)
        place(cast.buyer, listing)
        with pytest.raises(Gone) as refused:
            place(cast.buyer, listing)
        assert refused.value.facts == {"left": 0}

    def test_not_even_long_after(self, cast):
        listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED, sales_max=3)
        fund_wallet(cast.buyer)
        place(cast.buyer, listing)
        clock.advance(timedelta(days=61))
        with pytest.raises(Gone):
            place(cast.buyer, listing)

    @pytest.mark.parametrize("field", ["phone", "email"])
    def test_one_person_under_two_leads_is_sold_to_a_buyer_once(self, cast, field):
        person = make_person()
        again = {**make_person(), field: person[field]}
        first = make_listing(cast.seller, people=[person], window=timedelta(0))
        second = make_listing(cast.other_seller, people=[again])
        fund_wallet(cast.buyer)
        fund_wallet(cast.other_buyer)
        place(cast.buyer, first)
        with pytest.raises(Gone):
            place(cast.buyer, second)
        assert place(cast.other_buyer, second).status is OrderStatus.FULFILLED

    def test_after_the_window_the_person_is_a_new_lead(self, cast):
        person = make_person()
        fund_wallet(cast.buyer)
        place(cast.buyer, make_listing(cast.seller, people=[person]))
        clock.advance(timedelta(days=61))
        again = make_listing(cast.other_seller, people=[person])
        assert place(cast.buyer, again).status is OrderStatus.FULFILLED

    def test_two_leads_of_one_person_never_go_into_one_order(self, cast):
        person = make_person()
        batch = make_batch(cast.seller, people=[person, make_person(), make_person()])
        twin, original = leads_of(batch)[:2]
        contact = db.session.get(Contact, original.id)
        contact.email_index = db.session.get(Contact, twin.id).email_index
        db.session.flush()
        fund_wallet(cast.buyer)
        listing = make_listing(cast.seller, batch)
        with pytest.raises(Gone) as refused:
            place(cast.buyer, listing, 3)
        assert refused.value.facts == {"left": 2}
        order = place(cast.buyer, listing, 2)
        assert [lead.row_number for lead in picked(order)] == [1, 3]


class TestWhatIsNotForSale:
    def test_suppressed_people(self, cast, listing):
        lead = leads_of(queries.get_batch_of(listing))[0]
        suppress_person(lead_id=lead.id, origin="objection", actor=SYSTEM)
        order = place(cast.buyer, listing, 9)
        assert lead.id not in {found.id for found in picked(order)}
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)

    def test_people_suppressed_through_another_lot(self, cast):
        person = make_person()
        earlier = make_batch(cast.seller, people=[person], window=timedelta(0))
        listing = make_listing(cast.other_seller, people=[person, make_person()])
        suppress_person(lead_id=leads_of(earlier)[0].id, origin="list", actor=SYSTEM)
        fund_wallet(cast.buyer)
        with pytest.raises(Gone):
            place(cast.buyer, listing, 2)

    def test_people_on_a_list_that_came_in_since(self, cast, listing):
        lead = leads_of(queries.get_batch_of(listing))[0]
        contact = db.session.get(Contact, lead.id)
        today = clock.now().date()
        save(SuppressionEntry(hash=contact.email_index, origin="list", listed_on=today))
        assert lead.id not in {found.id for found in picked(place(cast.buyer, listing, 9))}
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)

    def test_a_page_full_of_people_who_cannot_be_sold_is_passed(self, cast):
        people = [make_person() for _ in range(6)]
        make_listing(cast.seller, people=people, window=timedelta(0))
        fund_wallet(cast.buyer)
        place(cast.buyer, queries.listings_of_seller(cast.seller.organization.id).items[0], 6)
        listing = make_listing(cast.other_seller, people=[*people, make_person()])
        order = place(cast.buyer, listing, 1)
        assert [lead.row_number for lead in picked(order)] == [7]

    @pytest.mark.parametrize("change", [{"in_frame": False}, {"status": LeadStatus.QUARANTINED}])
    def test_leads_beside_the_seal_and_bad_ones(self, cast, listing, change):
        batch = queries.get_batch_of(listing)
        for name, value in change.items():
            setattr(leads_of(batch)[0], name, value)
        batch.population -= "in_frame" in change
        db.session.flush()
        assert picked(place(cast.buyer, listing, 9))[0].row_number == 2
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)

    def test_erased_people(self, cast, listing):
        lead = leads_of(queries.get_batch_of(listing))[0]
        db.session.delete(db.session.get(Contact, lead.id))
        db.session.flush()
        with pytest.raises(Gone) as refused:
            place(cast.buyer, listing, 10)
        assert refused.value.facts == {"left": 9}


class TestCost:
    def test_the_number_of_statements_does_not_grow_with_the_order(self, cast):
        fund_wallet(cast.buyer)
        listing = make_listing(cast.seller, leads=200)
        place(cast.buyer, listing, 1)
        with count_statements() as small:
            place(cast.buyer, listing, 2)
        with count_statements() as large:
            place(cast.buyer, listing, 100)
        assert len(large) == len(small)
        assert len(large) <= 51


class TestSoldOut:
    def test_the_listing_says_so_a_moment_later(self, cast, listing, run_jobs):
        with unit_of_work():
            place(cast.buyer, listing, 10)
        assert listing.status is ListingStatus.PUBLISHED
        run_jobs()
        db.session.refresh(listing)
        assert listing.status is ListingStatus.SOLD_OUT

    def test_the_sweep_finds_it_when_nobody_rang(self, cast, listing, run_jobs, sweep):
        with unit_of_work():
            place(cast.buyer, listing, 10)
        jobs.redis_connection().flushdb()
        sweep("market.reflect_stock")
        run_jobs()
        db.session.refresh(listing)
        assert listing.status is ListingStatus.SOLD_OUT
