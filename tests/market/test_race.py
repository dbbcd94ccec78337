"""Many buyers at the same leads at the same time, on a database where commits are real.

The control takes the guards away, in the code and in its own database, and must oversell: a race
that cannot be lost proves nothing.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.errors import Conflict
from exchange.core.invariants import violations
from exchange.core.money import Currency, Money
from exchange.identity.permissions import OrganizationKind
from exchange.leads.models import Contact, Lead, LeadKind
from exchange.market import queries
from exchange.market.models import Listing, Order, OrderLine
from exchange.market.queries import stock
from exchange.market.services import listings, orders, reservations
from tests.cast import Cast, Player, make_cast, make_company
from tests.factories.billing import fund_wallet
from tests.factories.leads import leads_of, make_person
from tests.factories.market import make_listing
from tests.racing import Client, drop_constraints, meeting, patiently, race

pytestmark = pytest.mark.commits
PRICE = 45_00
CLIENTS = 50


def make_buyers(count: int, *, wallet: int) -> list[Player]:
    return [make_buyer(number, wallet=wallet) for number in range(count)]


def make_buyer(number: int, *, wallet: int) -> Player:
    email, name = f"buyer{number}@race.example", f"Racer {number}"
    player = make_company(email, OrganizationKind.BUYER, name)
    if wallet:
        fund_wallet(player, wallet)
    return player


def buy(buyer: UUID, listing: UUID, *, version: int = 1, **wish: object) -> str:
    """One order in a unit of work of its own; the word of the outcome."""

    def once() -> str:
        with unit_of_work():
            orders.place_order(
                buyer_id=buyer, listing_id=listing, terms_version=version, actor=SYSTEM, **wish
            )
        return "bought"

    return patiently(once)


def until_refused(client: Client) -> Client:
    """Buy again and again until there is a reason to stop."""

    def persist() -> str:
        while (outcome := client()) == "bought":
            pass
        return outcome

    return persist


def sold() -> int:
    return db.session.scalar(select(func.count()).select_from(OrderLine)) or 0


def wallet(player: Player) -> int:
    owner = player.organization.id
    return billing.balance(owner, AccountKind.WALLET, Currency.USD).amount


@pytest.fixture
def cast(committed) -> Cast:
    return make_cast()


def test_fifty_clients_buy_exactly_what_there_is(committed, cast):
    rich, poor = make_buyers(8, wallet=100 * PRICE), make_buyer(99, wallet=2 * PRICE)
    listing = make_listing(cast.seller, leads=100).id
    db.session.commit()
    random = Random(7)
    clients = [
        until_refused(
            lambda buyer=buyer.organization.id, quantity=quantity: buy(
                buyer, listing, quantity=quantity
            )
        )
        for number in range(CLIENTS)
        for buyer in [poor if number % 5 == 0 else random.choice(rich)]
        for quantity in [random.choice((1, 1, 2, 3, 7))]
    ]
    # Somebody who takes single leads comes last, so that "sold out" is true for everybody then.
    clients.append(until_refused(lambda: buy(rich[0].organization.id, listing, quantity=1)))
    outcomes = race(committed, clients)
    assert set(outcomes) <= {"sold_out", "insufficient_funds"}, outcomes
    assert sold() == 100
    assert violations() == []
    paid = sum(100 * PRICE - wallet(player) for player in rich) + 2 * PRICE - wallet(poor)
    assert paid == 100 * PRICE
    assert 0 <= wallet(poor) < 2 * PRICE


def test_shared_leads_fill_every_slot_once(committed, cast):
    buyers = make_buyers(6, wallet=100 * PRICE)
    listing = make_listing(cast.seller, leads=15, kind=LeadKind.SHARED, sales_max=3).id
    db.session.commit()
    outcomes = race(
        committed,
        [
            until_refused(lambda b=buyer.organization.id: buy(b, listing, quantity=1))
            for buyer in buyers * 4
        ],
    )
    assert set(outcomes) == {"sold_out"}, outcomes
    assert sold() == 45
    assert violations() == []


def test_one_wallet_pays_for_no_more_than_it_holds(committed, cast):
    buyer = make_buyer(1, wallet=10 * PRICE + PRICE - 1)
    listing = make_listing(cast.seller, leads=40).id
    db.session.commit()
    outcomes = race(committed, [lambda: buy(buyer.organization.id, listing, quantity=1)] * 30)
    assert outcomes == {"bought": 10, "insufficient_funds": 20}
    assert wallet(buyer) == PRICE - 1
    assert violations() == []


def test_one_buyer_never_gets_a_person_twice_from_two_sellers_at_once(committed, cast):
    buyer = make_buyer(1, wallet=100 * PRICE).organization.id
    people = [make_person() for _ in range(12)]
    first = make_listing(cast.seller, people=people, window=timedelta(0)).id
    second = make_listing(cast.other_seller, people=people).id
    db.session.commit()
    outcomes = race(
        committed,
        [lambda one=one: buy(buyer, one, quantity=1) for one in (first, second)] * 12,
    )
    assert outcomes == {"bought": 12, "sold_out": 12}
    known = select(func.count(Contact.phone_index.distinct())).join(
        OrderLine, OrderLine.lead_id == Contact.lead_id
    )
    assert db.session.scalar(known) == sold() == 12


def test_choosing_leads_and_asking_for_a_number_do_not_block_each_other(committed, cast):
    buyers = make_buyers(8, wallet=200 * PRICE)
    made = make_listing(cast.seller, leads=60)
    listing, lead_ids = made.id, [lead.id for lead in leads_of(queries.get_batch_of(made))]
    db.session.commit()
    random = Random(11)

    def choose(buyer: UUID) -> Client:
        chosen = random.sample(lead_ids, 6)
        return lambda: buy(buyer, listing, lead_ids=chosen)

    clients: list[Client] = []
    for number in range(40):
        buyer = buyers[number % len(buyers)].organization.id
        asks = until_refused(lambda b=buyer: buy(b, listing, quantity=2))
        clients.append(choose(buyer) if number % 2 else asks)
    clients.append(until_refused(lambda: buy(buyers[0].organization.id, listing, quantity=1)))
    outcomes = race(committed, clients)
    assert set(outcomes) <= {"bought", "sold_out"}, outcomes
    assert sold() == 60
    assert violations() == []


def test_nobody_pays_a_price_that_was_not_agreed_to(committed, cast):
    buyers = make_buyers(4, wallet=1_000 * PRICE)
    listing = make_listing(cast.seller, leads=120, price=PRICE).id
    db.session.commit()

    def reprice(step: int) -> Client:
        def ask_more() -> str:
            with unit_of_work():
                price = Money(PRICE + step, Currency.USD)
                listings.set_price(listing_id=listing, price=price, actor=SYSTEM)
            return "priced"

        return ask_more

    def order(buyer: UUID) -> Client:
        def once() -> str:
            with unit_of_work():
                version = db.session.get(Listing, listing).terms_version
            return buy(buyer, listing, version=version, quantity=1)

        return once

    clients: list[Client] = []
    for step in range(1, 9):
        clients += [order(buyer.organization.id) for buyer in buyers * 3] + [reprice(step)]
    outcomes = race(committed, clients)
    assert set(outcomes) <= {"bought", "terms_changed", "priced"}, outcomes
    for placed in db.session.scalars(select(Order)):
        assert placed.price == queries.get_agreed_terms(placed).price
    assert violations() == []


@pytest.mark.control
def test_the_control_oversells(committed, cast, monkeypatch):
    buyers = make_buyers(10, wallet=100 * PRICE)
    listing = make_listing(cast.seller, leads=3).id
    db.session.commit()
    take_guards_away(committed.config["SETTINGS"].database_url, monkeypatch)
    race(
        committed,
        [lambda b=buyer.organization.id: buy(b, listing, quantity=1) for buyer in buyers],
    )
    assert sold() > 3
    assert any("slot" in found for found in violations())


def take_guards_away(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count first and write afterwards, and let the tables allow it."""
    meet = meeting()

    def take(wanted: stock.Wanted, quantity: int) -> dict[UUID, int]:
        found = db.session.execute(stock.candidates(wanted).limit(quantity)).all()
        meet()
        if len(found) < quantity:
            raise Conflict(code="sold_out")
        for row in found:
            count = update(Lead).where(Lead.id == row.id).values(sold=1)
            db.session.execute(count, execution_options={"synchronize_session": False})
        return {row.id: 0 for row in found}

    monkeypatch.setattr(reservations, "take", take)
    drop_constraints(database_url)
