"""Fifty programs buy the same hundred exclusive leads at once, over HTTP, some of them twice.

The control runs the same story against a server whose reserving verb counts before it writes and
whose database has lost its constraints: it must oversell, or the test would prove nothing.
"""

from __future__ import annotations

from functools import partial

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from exchange.billing.models import Account, AccountKind, Posting, Reason
from exchange.core.db import db
from exchange.core.invariants import violations
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
from tests.racing import drop_constraints
from tests.servers import house

LEADS = 100
PRICE = 45_00
WALLET = 20 * PRICE
REPEATED = 0.1  # of the requests are sent again with the same key

pytestmark = pytest.mark.commits


def set_stage() -> Stage:
    """A lot, and many buyers who can pay."""
    cast = make_cast()
    listing = make_listing(cast.seller, make_batch(cast.seller, leads=LEADS, price=PRICE))
    buyers = make_buyers(CLIENTS, wallet=WALLET)
    db.session.commit()
    return Stage(listing, [buyer.key("order:place", "order:read") for buyer in buyers])


def buy(stage: Stage, step: Step) -> list[int]:
    quantity = step.random.choice((1, 1, 2, 3))

    def send() -> requests.Response:
        return stage.order(
            step.session, step.url, client=step.client, key=step.key, quantity=quantity
        )

    first = send()
    if step.random.random() < REPEATED:
        again = send()
        if first.status_code == 201:
            assert again.content == first.content
    return [first.status_code]


def spent() -> int:
    """What all wallets have lost since they were filled, in minor units."""
    wallets = select(func.sum(Account.balance)).where(Account.kind == AccountKind.WALLET)
    left = db.session.scalar(wallets) or 0
    return CLIENTS * WALLET - left


def test_exactly_a_hundred_are_sold_and_each_is_paid_once(committed: Flask):
    stage = set_stage()
    with house.web(committed.config["SETTINGS"]) as server:
        seen = rush(server.url, partial(buy, stage))
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
        rush(server.url, partial(buy, stage), rounds=1)
    db.session.rollback()
    assert oversold_leads() > 0
    assert violations() != []
