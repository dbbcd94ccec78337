"""Fifty programs buy the same hundred exclusive leads at once, over HTTP, some of them twice.

The control runs the same story against a server whose reserving verb counts before it writes and
whose database has lost its constraints: it must oversell, or the test would prove nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest
import requests
from flask import Flask
from sqlalchemy import create_engine, func, select, text

from exchange.billing.models import Account, AccountKind, Posting, Reason
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.invariants import violations
from exchange.core.schema import sqlalchemy_url
from exchange.identity import queries, services
from exchange.identity.permissions import OrganizationKind, Role
from exchange.market.models import LineStatus, Listing, OrderLine
from tests.cast import PASSWORD, Player, make_cast
from tests.factories.billing import fund_wallet
from tests.factories.leads import make_batch
from tests.factories.market import make_listing
from tests.servers import house

CLIENTS = 50
LEADS = 100
PRICE = 45_00
WALLET = 20 * PRICE
REPEATED = 0.1  # of the requests are sent again with the same key
ROUNDS = 12

pytestmark = pytest.mark.commits


@dataclass(frozen=True, slots=True)
class Stage:
    """A market with one lot and many buyers who can pay."""

    listing: Listing
    headers: list[dict[str, str]]


def set_stage() -> Stage:
    cast = make_cast()
    batch = make_batch(cast.seller, leads=LEADS, price=PRICE)
    listing = make_listing(cast.seller, batch)
    buyers = [make_buyer(number) for number in range(CLIENTS)]
    for buyer in buyers:
        fund_wallet(buyer, WALLET)
    db.session.commit()
    return Stage(listing, [buyer.key("order:place", "order:read") for buyer in buyers])


def make_buyer(number: int) -> Player:
    organization = services.sign_up(
        email=f"buyer{number}@race.example",
        name="Racer",
        password=PASSWORD,
        kind=OrganizationKind.BUYER,
        organization_name=f"Buyer {number}",
        trade_name=f"Buyer {number}",
        country="US",
    )
    services.approve_organization(organization_id=organization.id, actor=SYSTEM)
    user = queries.find_user(f"buyer{number}@race.example")
    return Player(user, organization, Role.OWNER)


def race(url: str, stage: Stage, deal: Callable[..., list[int]] | None = None) -> Counter[int]:
    """Let everybody buy at the same moment until the lot is gone; statuses by how often.

    A `deal` is one step of one client; without one it is `buy`.
    """
    deal = deal or buy
    start, seen, lock = threading.Barrier(CLIENTS), Counter[int](), threading.Lock()

    def run(number: int) -> None:
        random, session = Random(number), requests.Session()
        start.wait()
        for step in range(ROUNDS):
            statuses = deal(session, url, stage, number=number, step=step, random=random)
            with lock:
                seen.update(statuses)
            if 410 in statuses:
                return

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def buy(
    session: requests.Session,
    url: str,
    stage: Stage,
    *,
    number: int,
    step: int,
    random: Random,
) -> list[int]:
    order = {
        "listing_id": stage.listing.public_id,
        "quantity": random.choice((1, 1, 2, 3)),
        "terms_version": 1,
    }
    headers = {**stage.headers[number], "Idempotency-Key": f"{number}-{step}"}
    send: Callable[[], requests.Response] = lambda: session.post(  # noqa: E731  # one call, sent twice
        f"{url}/api/v1/orders", json=order, headers=headers, timeout=60
    )
    first = send()
    if random.random() >= REPEATED:
        return [first.status_code]
    second = send()
    if first.status_code == 201:
        assert second.content == first.content
    return [first.status_code]


def sold_leads() -> int:
    live = OrderLine.status != LineStatus.RELEASED
    return db.session.scalar(select(func.count()).where(live)) or 0


def oversold_leads(most: int = 1) -> int:
    """Leads with more live lines than they may be sold."""
    counted = (
        select(OrderLine.lead_id, func.count().label("lines"))
        .where(OrderLine.status != LineStatus.RELEASED)
        .group_by(OrderLine.lead_id)
        .subquery()
    )
    many = select(func.count()).select_from(counted).where(counted.c.lines > most)
    return db.session.scalar(many) or 0


def spent() -> int:
    """What all wallets have lost since they were filled, in minor units."""
    wallets = select(func.sum(Account.balance)).where(Account.kind == AccountKind.WALLET)
    left = db.session.scalar(wallets) or 0
    return CLIENTS * WALLET - left


def test_exactly_a_hundred_are_sold_and_each_is_paid_once(committed: Flask):
    stage = set_stage()
    with house.web(committed.config["SETTINGS"]) as server:
        seen = race(server.url, stage)
    db.session.rollback()
    assert set(seen) <= {201, 402, 410, 503}, seen
    assert sold_leads() == LEADS
    assert oversold_leads() == 0
    assert spent() == LEADS * PRICE
    held = select(func.count()).where(Posting.reason == Reason.HELD)
    assert db.session.scalar(held) == seen[201]
    assert violations() == []


@pytest.mark.control
def test_the_control_oversells(committed: Flask):
    stage = set_stage()
    drop_constraints(committed.config["SETTINGS"].database_url)
    with house.web(
        committed.config["SETTINGS"], application="tests.servers.unguarded:app"
    ) as server:
        race(server.url, stage)
    db.session.rollback()
    assert oversold_leads() > 0
    assert violations() != []


def drop_constraints(database_url: str) -> None:
    """Take both belts off, as the owner of the control's own database."""
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE lead DROP CONSTRAINT ck_lead_sold"))
        connection.execute(
            text("ALTER TABLE order_line DROP CONSTRAINT uq_order_line_lead_id_slot")
        )
        connection.execute(text("DROP INDEX IF EXISTS ix_order_line_lead_id_buyer_id"))
    engine.dispose()
