"""Many rounds of matching at the same time: caps and wallets are hard, whatever the clock does.

The control lets rounds go on without locking contracts and without turns, and must go beyond.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.billing.services import hold_sets
from exchange.core import clock
from exchange.core.db import db, unit_of_work
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.leads.models import LeadKind
from exchange.market import queries
from exchange.market.contract_models import CapUse, Contract
from exchange.market.contract_terms import Caps, Period
from exchange.market.models import OrderLine
from exchange.market.services import gates, matches, rounds
from tests.cast import Cast, make_cast
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of
from tests.factories.market import make_listing
from tests.market.test_race import buy
from tests.racing import Client, meeting, patiently, race

pytestmark = pytest.mark.commits
PRICE = 45_00
CLIENTS = 50
ZONE = "America/New_York"
# Ten minutes before the end of a day, of the hour that is skipped, of the one that comes twice.
MIDNIGHT = datetime(2027, 2, 10, 4, 50, tzinfo=UTC)
SPRING = datetime(2027, 3, 14, 6, 50, tzinfo=UTC)
AUTUMN = datetime(2027, 11, 7, 5, 50, tzinfo=UTC)


@pytest.fixture
def cast(committed) -> Cast:
    return make_cast()


def match(listing_id: UUID, lead_ids: list[UUID]) -> Client:
    """One round over these leads in a unit of work of its own."""

    def once() -> str:
        with unit_of_work():
            matches.match_round(listing_id=listing_id, lead_ids=lead_ids)
        return "met"

    return lambda: patiently(once)


def go_on() -> str:
    """Twenty minutes pass."""
    with unit_of_work():
        clock.advance(timedelta(minutes=20))
    return "later"


def put_clock(moment: datetime) -> None:
    with unit_of_work():
        clock.advance(moment - clock.now())


def clients_of(listing, *, slots: int = 2) -> list[Client]:
    lead_ids = [lead.id for lead in leads_of(queries.get_batch_of(listing))]
    return [
        match(listing.id, lead_ids[start : start + slots])
        for start in range(0, len(lead_ids), slots)
    ]


def uses(contract: Contract, period: Period) -> list[int]:
    statement = select(CapUse.leads).where(
        CapUse.contract_id == contract.id, CapUse.period == period
    )
    return list(db.session.scalars(statement.order_by(CapUse.starts_at)))


def sold() -> int:
    return db.session.scalar(select(func.count()).select_from(OrderLine)) or 0


@pytest.mark.parametrize(
    ("moment", "caps", "expected"),
    [
        (MIDNIGHT, {Period.DAY: 7}, {Period.DAY: [7, 7], Period.TOTAL: [14]}),
        (SPRING, {Period.HOUR: 7, Period.DAY: 10}, {Period.HOUR: [7, 3], Period.DAY: [10]}),
        (AUTUMN, {Period.HOUR: 7, Period.DAY: 10}, {Period.HOUR: [7, 3], Period.DAY: [10]}),
    ],
    ids=["midnight", "spring", "autumn"],
)
def test_caps_hold_while_the_period_changes(committed, cast, moment, caps, expected):
    fund_wallet(cast.buyer)
    contract = make_contract(cast.buyer, caps=Caps(caps), time_zone=ZONE)
    clients = clients_of(make_listing(cast.seller, leads=2 * CLIENTS, price=PRICE))
    db.session.commit()
    put_clock(moment)
    half = len(clients) // 2
    outcomes = race(committed, [*clients[:half], go_on, *clients[half:]])
    assert outcomes == {"met": CLIENTS, "later": 1}
    assert {period: uses(contract, period) for period in expected} == expected
    assert violations() == []


def test_a_cap_of_money_holds_over_several_listings(committed, cast):
    fund_wallet(cast.buyer)
    price = 50_00
    contract = make_contract(
        cast.buyer, price=price, caps=Caps(amount={Period.TOTAL: 9 * price + 1})
    )
    some = [
        make_listing(seller, leads=25, price=PRICE) for seller in (cast.seller, cast.other_seller)
    ]
    clients = [client for listing in some for client in clients_of(listing, slots=1)]
    db.session.commit()
    assert race(committed, clients) == {"met": CLIENTS}
    assert uses(contract, Period.TOTAL) == [9]
    assert violations() == []


def test_one_wallet_pays_for_contracts_and_orders_by_hand(committed, cast):
    fund_wallet(cast.buyer, 11 * PRICE + PRICE - 1)
    for _ in range(3):
        make_contract(cast.buyer, price=PRICE)
    listing = make_listing(cast.seller, leads=40, price=PRICE)
    by_hand = make_listing(cast.other_seller, leads=30, price=PRICE).id
    buyer = cast.buyer.organization.id
    db.session.commit()
    clients = clients_of(listing, slots=1)
    orders: list[Client] = [lambda: buy(buyer, by_hand, quantity=1)] * 20
    mixed = [one for pair in zip(clients, [*orders, *orders], strict=True) for one in pair]
    outcomes = race(committed, mixed)
    assert set(outcomes) <= {"met", "bought", "insufficient_funds"}, outcomes
    assert sold() == 11
    assert billing.balance(buyer, AccountKind.WALLET, Currency.USD).amount == PRICE - 1
    assert violations() == []


def test_shared_leads_fill_their_slots_with_different_buyers(committed, cast):
    for player in (cast.buyer, cast.other_buyer):
        fund_wallet(player)
        make_contract(player)
        make_contract(player)
    listing = make_listing(cast.seller, leads=12, kind=LeadKind.SHARED, sales_max=3, price=PRICE)
    db.session.commit()
    outcomes = race(committed, clients_of(listing, slots=1) * 5)
    assert outcomes == {"met": 60}
    assert sold() == 24
    assert violations() == []


@pytest.mark.control
def test_the_control_goes_beyond_the_cap(committed, cast, monkeypatch):
    fund_wallet(cast.buyer)
    make_contract(cast.buyer, caps=Caps({Period.DAY: 7}))
    clients = clients_of(make_listing(cast.seller, leads=2 * CLIENTS, price=PRICE))
    db.session.commit()
    read, lock_wallets, meet = rounds.contract_rows, hold_sets.lock_wallets, meeting()

    def look_and_wait(*buyers, **named):
        """The last lock of a round: how much the contract took is read by then."""
        meet()
        return lock_wallets(*buyers, **named)

    monkeypatch.setattr(rounds, "contract_rows", lambda ids, locked=False: read(ids))
    monkeypatch.setattr(hold_sets, "lock_wallets", look_and_wait)
    monkeypatch.setattr(gates, "enter_with_all", lambda buyer_ids, listing_id: None)
    race(committed, clients)
    assert sold() > 7
    assert any("took" in found for found in violations())
