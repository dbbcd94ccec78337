"""Deliveries: readable and paid in one transaction, or given back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock, events
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save, unit_of_work
from exchange.core.money import Currency
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import Delivery, DeliveryStatus
from exchange.fulfillment.services import deliveries
from exchange.leads.models import Contact, LeadStatus, SuppressionEntry
from exchange.leads.services.suppression import suppress_person
from exchange.market import queries
from exchange.market.models import LineStatus, OrderStatus
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, fresh
from tests.factories.leads import leads_of
from tests.factories.market import make_listing, place

PRICE = 45_00


def balance(player, kind: AccountKind) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


@pytest.fixture
def undelivered(cast, monkeypatch):
    """An order whose delivery nobody has made yet, as another channel than the portal leaves it."""
    monkeypatch.setitem(events.LISTENERS, "order.confirmed", [])
    fund_wallet(cast.buyer)
    listing = make_listing(cast.seller, leads=3)
    order = place(cast.buyer, listing, 2)
    delivery = Delivery(
        order_id=order.id,
        organization_id=order.buyer_id,
        deliver_by=clock.now() + timedelta(hours=24),
    )
    db.session.add(delivery)
    db.session.commit()
    return delivery


class TestPortal:
    def test_a_confirmed_order_is_readable_at_once(self, cast):
        first, second = buy(cast.buyer, make_listing(cast.seller, leads=2), 2)
        delivery = fulfillment.find_delivery(first.order_id)
        assert delivery.status is DeliveryStatus.ACKNOWLEDGED
        assert queries.get_order(first.order_id, viewer=None).status is OrderStatus.FULFILLED
        assert {first.status, second.status} == {LineStatus.DELIVERED}

    def test_the_money_moves_with_it(self, cast):
        buy(cast.buyer, make_listing(cast.seller, leads=2), 2)
        assert balance(cast.buyer, AccountKind.HELD) == 0
        assert balance(cast.seller, AccountKind.PENDING) == 2 * PRICE

    def test_the_window_of_the_agreed_terms_begins(self, cast):
        (line,) = buy(cast.buyer, make_listing(cast.seller, leads=1))
        assert line.window_until - line.delivered_at == timedelta(hours=72)


class TestDeliver:
    def test_delivers_what_waits(self, undelivered):
        deliveries.deliver(delivery_id=undelivered.id, actor=SYSTEM)
        tally = queries.tally(queries.get_order(undelivered.order_id, viewer=None))
        assert tally.counts == {LineStatus.DELIVERED: 2}

    def test_twice_moves_nothing_more(self, cast, undelivered):
        for _ in range(2):
            deliveries.deliver(delivery_id=undelivered.id, actor=SYSTEM)
        assert balance(cast.seller, AccountKind.PENDING) == 2 * PRICE

    def test_somebody_suppressed_since_is_let_go_of(self, cast, undelivered):
        first, second = queries.lines_of(undelivered.order_id)
        suppress_person(lead_id=first.lead_id, origin="objection", actor=SYSTEM)
        deliveries.deliver(delivery_id=undelivered.id, actor=SYSTEM)
        assert (fresh(first).status, first.slot) == (LineStatus.RELEASED, None)
        assert fresh(second).status is LineStatus.DELIVERED
        assert balance(cast.buyer, AccountKind.WALLET) == 100_000_00 - PRICE
        order = queries.get_order(undelivered.order_id, viewer=None)
        assert queries.tally(order).charged.amount == PRICE
        assert order.status is OrderStatus.FULFILLED

    def test_somebody_on_a_list_that_came_in_since_is_let_go_of(self, undelivered):
        first, second = queries.lines_of(undelivered.order_id)
        contact, today = db.session.get(Contact, first.lead_id), clock.now().date()
        save(SuppressionEntry(hash=contact.phone_index, origin="list", listed_on=today))
        deliveries.deliver(delivery_id=undelivered.id, actor=SYSTEM)
        assert fresh(first).status is LineStatus.RELEASED
        assert fresh(second).status is LineStatus.DELIVERED

    def test_an_order_of_which_nothing_is_left_is_cancelled(self, cast, undelivered):
        for line in queries.lines_of(undelivered.order_id):
            suppress_person(lead_id=line.lead_id, origin="objection", actor=SYSTEM)
        deliveries.deliver(delivery_id=undelivered.id, actor=SYSTEM)
        order = queries.get_order(undelivered.order_id, viewer=None)
        assert order.status is OrderStatus.CANCELLED
        assert fresh(undelivered).status is DeliveryStatus.CANCELLED
        assert balance(cast.buyer, AccountKind.WALLET) == 100_000_00

    def test_a_lead_that_left_sale_is_let_go_of(self, undelivered):
        first, _ = queries.lines_of(undelivered.order_id)
        lead = queries.leads_of_lines([first.lead_id])[first.lead_id]
        lead.status = LeadStatus.QUARANTINED
        db.session.flush()
        deliveries.deliver(delivery_id=undelivered.id, actor=SYSTEM)
        assert fresh(first).status is LineStatus.RELEASED


class TestDeadline:
    def test_the_sweep_delivers_what_redis_forgot(self, undelivered, sweep, run_jobs):
        sweep("fulfillment.deliver")
        run_jobs()
        assert fresh(undelivered).status is DeliveryStatus.ACKNOWLEDGED

    def test_too_late_everything_is_given_back(self, cast, undelivered, sweep, run_jobs):
        with unit_of_work():
            clock.advance(timedelta(hours=25))
        sweep("fulfillment.deliver")
        run_jobs()
        assert fresh(undelivered).status is DeliveryStatus.CANCELLED
        order = fresh(queries.get_order(undelivered.order_id, viewer=None))
        assert order.status is OrderStatus.CANCELLED
        assert balance(cast.buyer, AccountKind.WALLET) == 100_000_00
        assert balance(cast.buyer, AccountKind.HELD) == 0
        batch = queries.get_batch_of(queries.get_listing_of(order))
        assert [lead.sold for lead in leads_of(batch)] == [0, 0, 0]

    def test_before_the_deadline_nothing_is_given_up(self, undelivered):
        deliveries.give_up(delivery_id=undelivered.id, actor=SYSTEM)
        assert fresh(undelivered).status is DeliveryStatus.PENDING

    def test_what_was_let_go_of_can_be_bought_again_by_the_same_buyer(
        self, cast, undelivered, sweep, run_jobs
    ):
        with unit_of_work():
            clock.advance(timedelta(hours=25))
        sweep("fulfillment.deliver")
        run_jobs()
        order = queries.get_order(undelivered.order_id, viewer=None)
        again = place(cast.buyer, queries.get_listing_of(order), 3)
        assert again.quantity == 3
        statement = select(Delivery).where(Delivery.order_id == again.id)
        assert db.session.scalars(statement).all() == []  # its listener is away in this test
