"""Two who decide about the same money at the same moment, on a database where commits are real."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.fulfillment.models import LeadReturn, ReturnOutcome
from exchange.fulfillment.services import returns, settlements
from exchange.leads.models import LeadKind
from exchange.market.models import LineStatus, OrderLine
from exchange.market.services import orders
from tests.cast import Cast, Player, make_cast
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, make_line, make_return, pass_time
from tests.factories.market import make_listing
from tests.racing import Client, patiently, race

pytestmark = pytest.mark.commits
PRICE = 45_00


@pytest.fixture
def cast(committed) -> Cast:
    return make_cast()


def step(verb: Callable[..., object], **arguments: object) -> Client:
    """A client that does one thing in a unit of work of its own."""

    def once() -> str:
        with unit_of_work():
            verb(**arguments)
        return "done"

    return lambda: patiently(once)


def wallet(player: Player) -> int:
    owner = player.organization.id
    return billing.balance(owner, AccountKind.WALLET, Currency.USD).amount


def line_of(line_id: UUID) -> OrderLine:
    return db.session.get(OrderLine, line_id, populate_existing=True)


def test_a_return_that_is_decided_and_expires_at_once_pays_once(committed, cast):
    made = make_return(cast).id
    pass_time()
    db.session.commit()
    decide = step(
        returns.decide,
        return_id=made,
        outcome=ReturnOutcome.APPROVED,
        explanation="Made up.",
        actor=cast.admin.actor,
    )
    outcomes = race(committed, [decide, step(returns.expire, return_id=made)] * 10)
    assert set(outcomes) <= {"done", "already_decided"}, outcomes
    assert wallet(cast.buyer) == PRICE
    assert violations() == []


def test_one_line_is_asked_back_once(committed, cast):
    line = make_line(cast).id
    db.session.commit()
    ask = step(returns.request_return, line_id=line, reason="fictitious", actor=cast.buyer.actor)
    outcomes = race(committed, [ask] * 12)
    assert outcomes == {"done": 1, "already_requested": 11}
    assert db.session.scalar(select(func.count()).select_from(LeadReturn)) == 1


def test_a_line_is_settled_or_asked_back_and_never_both(committed, cast):
    fund_wallet(cast.buyer)
    lines = buy(cast.buyer, make_listing(cast.seller, leads=12), 12)
    ids, order_id = [line.id for line in lines], lines[0].order_id
    asked_until = lines[0].window_until
    clock.advance(asked_until - clock.now() - (asked_until - lines[0].delivered_at) / 100)
    db.session.commit()
    asks = [
        step(returns.request_return, line_id=one, reason="fictitious", actor=cast.buyer.actor)
        for one in ids
    ]
    late = step(clock.advance, step=asked_until - lines[0].delivered_at)
    settle = step(settlements.settle_order, order_id=order_id, actor=SYSTEM)
    race(committed, [*asks[:6], late, settle, *asks[6:], settle, settle])
    race(committed, [settle])
    asked = set(db.session.scalars(select(LeadReturn.line_id)))
    for one in ids:
        status = line_of(one).status
        assert status is (LineStatus.DELIVERED if one in asked else LineStatus.SETTLED)
    assert violations() == []


def test_checks_returns_and_purchases_of_one_shared_lead_do_not_block_each_other(committed, cast):
    listing = make_listing(cast.seller, leads=8, kind=LeadKind.SHARED, sales_max=3)
    lines = buy(cast.buyer, listing, 8)
    returned = [make_return(cast, line, reason="outside_criteria").id for line in lines[:4]]
    checked = [line.lead_id for line in lines[4:]]
    fund_wallet(cast.other_buyer)
    listing_id, other = listing.id, cast.other_buyer.organization.id
    db.session.commit()
    clients: list[Client] = []
    for made, lead in zip(returned, checked, strict=True):
        clients += [
            step(
                returns.decide,
                return_id=made,
                outcome=ReturnOutcome.APPROVED,
                explanation="Not ours.",
                actor=cast.admin.actor,
            ),
            step(returns.refund_failed_check, lead_id=lead, evidence={}, actor=SYSTEM),
            lambda: one_more(other, listing_id),
        ]
    outcomes = race(committed, clients)
    assert set(outcomes) <= {"done", "bought", "sold_out"}, outcomes
    assert wallet(cast.buyer) == 8 * PRICE
    assert violations() == []


def one_more(buyer: UUID, listing: UUID) -> str:
    """A purchase of one lead by somebody else."""

    def once() -> str:
        with unit_of_work():
            orders.place_order(
                buyer_id=buyer, listing_id=listing, quantity=1, terms_version=1, actor=SYSTEM
            )
        return "bought"

    return patiently(once)
