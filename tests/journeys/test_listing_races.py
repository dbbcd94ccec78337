"""Fifty programs at one listing, over HTTP: shared leads, and a price that changes all the while.

Each story has a control that runs it against a server without its guard and must go wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from exchange.core.db import db
from exchange.core.invariants import violations
from exchange.leads.models import LeadKind
from exchange.market.models import Order, OrderLine
from tests.cast import make_cast
from tests.factories.leads import make_batch
from tests.factories.market import make_listing
from tests.journeys.rush import (
    CLIENTS,
    Stage,
    Step,
    make_buyers,
    oversold_leads,
    rush,
    sold_leads,
)
from tests.journeys.test_purchase_race import PRICE, WALLET, buy
from tests.racing import drop_constraints
from tests.servers import house
from tests.servers.meeting import PEOPLE

BUYERS = CLIENTS // 2  # each of them in two programs at once
FEW = PEOPLE - 1  # so that of those who meet in the control two are of one buyer
SHARED_LEADS, SALES = 20, 3
PRICED_LEADS = 100
READ = ("order:place", "order:read", "market:read")

pytestmark = pytest.mark.commits


def set_shared_stage(number: int = BUYERS) -> Stage:
    """A lot of shared leads, and buyers who come with several programs each."""
    cast = make_cast()
    lot = {"leads": SHARED_LEADS, "kind": LeadKind.SHARED, "sales_max": SALES, "price": PRICE}
    listing = make_listing(cast.seller, make_batch(cast.seller, **lot))
    buyers = make_buyers(number, wallet=WALLET)
    db.session.commit()
    keys = [buyer.key(*READ) for buyer in buyers]
    return Stage(listing, [keys[client % number] for client in range(CLIENTS)])


def sold_twice_to_one() -> int:
    """Pairs of a lead and a buyer who bought it more than once."""
    pairs = (
        select(OrderLine.lead_id, OrderLine.buyer_id)
        .group_by(OrderLine.lead_id, OrderLine.buyer_id)
        .having(func.count() > 1)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(pairs)) or 0


def test_a_shared_lead_is_sold_to_so_many_and_to_each_once(committed: Flask):
    stage = set_shared_stage()
    with house.web(committed.config["SETTINGS"]) as server:
        seen = rush(server.url, partial(buy, stage))
    db.session.rollback()
    assert set(seen) <= {201, 402, 410, 503}, seen
    assert oversold_leads(SALES) == 0
    assert sold_twice_to_one() == 0
    assert sold_leads() == SHARED_LEADS * SALES
    assert violations() == []


@pytest.mark.control
def test_the_control_sells_too_often_and_twice_to_one(committed: Flask):
    stage = set_shared_stage(FEW)
    drop_constraints(committed.config["SETTINGS"].database_url)
    unguarded = "tests.servers.unguarded:app"
    with house.web(committed.config["SETTINGS"], application=unguarded) as server:
        rush(server.url, partial(buy, stage), rounds=1)
    db.session.rollback()
    assert oversold_leads(SALES) > 0
    assert sold_twice_to_one() > 0


class Haggling:
    """Buyers who send the version of the terms that they saw last, and what they were charged."""

    def __init__(self) -> None:
        self.charged_otherwise: list[tuple[int, ...]] = []
        self.agreed = 0
        self.told = 0

    def deal(self, stage: Stage, step: Step) -> list[int]:
        if self.charged_otherwise:
            return [410]  # it is decided: nobody need go on
        at = f"{step.url}/api/v1/listings/{stage.listing.public_id}"
        seen = step.session.get(at, headers=stage.headers[step.client], timeout=60).json()
        if "terms_version" not in seen:
            return [503]
        answer = stage.order(
            step.session,
            step.url,
            client=step.client,
            key=step.key,
            quantity=step.random.choice((1, 1, 2)),
            version=seen["terms_version"],
        )
        self.note(seen["price"]["amount"], answer)
        return [answer.status_code]

    def note(self, price: int, answer: requests.Response) -> None:
        body = answer.json()
        if answer.status_code == 201:
            self.agreed += 1
            paid = {body["price"]["amount"], *(line["price"]["amount"] for line in body["lines"])}
            if paid != {price}:
                self.charged_otherwise.append((price, *paid))
        elif answer.status_code == 409:
            assert body["code"] == "terms_changed"
            assert body["amount"] != price
            self.told += 1


@contextmanager
def repricing(url: str, headers: dict[str, str], listing_id: str) -> Iterator[None]:
    """A seller who asks another price all the while."""
    over = threading.Event()

    def run() -> None:
        for step in count(1):
            if over.is_set():
                return
            price = {"amount": PRICE + step % 50, "currency": "USD"}
            requests.patch(
                f"{url}/api/v1/listings/{listing_id}",
                json={"price": price},
                headers=headers,
                timeout=60,
            )

    seller = threading.Thread(target=run)
    seller.start()
    try:
        yield
    finally:
        over.set()
        seller.join()


def haggle(committed: Flask, application: str = "wsgi:app") -> Haggling:
    cast = make_cast()
    listing = make_listing(cast.seller, make_batch(cast.seller, leads=PRICED_LEADS, price=PRICE))
    buyers = make_buyers(CLIENTS, wallet=WALLET)
    db.session.commit()
    stage, haggling = Stage(listing, [buyer.key(*READ) for buyer in buyers]), Haggling()
    seller = cast.seller.key("listing:publish", "batch:read")
    with (
        house.web(committed.config["SETTINGS"], application=application) as server,
        repricing(server.url, seller, listing.public_id),
    ):
        rush(server.url, partial(haggling.deal, stage))
    db.session.rollback()
    return haggling


def test_nobody_is_charged_another_price_than_the_one_they_saw(committed: Flask):
    haggling = haggle(committed)
    assert haggling.charged_otherwise == []
    assert haggling.agreed > 0
    assert haggling.told > 0
    for order in db.session.scalars(select(Order)):
        assert order.total == order.price * order.quantity
    assert violations() == []


@pytest.mark.control
def test_the_control_charges_what_nobody_agreed_to(committed: Flask):
    assert haggle(committed, "tests.servers.heedless:app").charged_otherwise != []
