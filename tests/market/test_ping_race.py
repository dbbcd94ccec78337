"""Fifty clients post the lead of one ping at the same moment, on a database where commits are real.

One of them is answered and the others are told that the ping was used. The control takes the lock
off the ping, and the buyers' turns behind which they would queue all the same: more of them must go
on, or the test would prove nothing.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from exchange.core.db import db, get
from exchange.core.invariants import violations
from exchange.leads.models import Lead
from exchange.market.models import OrderLine
from exchange.market.ping_models import Ping
from exchange.market.services import gates, pings
from tests.cast import make_cast
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import make_person
from tests.factories.pings import lead_of, make_ping
from tests.factories.posts import make_terms
from tests.racing import THREADS, Client, meeting, race

pytestmark = pytest.mark.commits
CLIENTS = 50


@pytest.fixture
def headers(committed) -> dict[str, str]:
    cast = make_cast()
    make_terms(cast.seller, trusted=True)
    for buyer, price in ((cast.buyer, 60_00), (cast.other_buyer, 50_00)):
        fund_wallet(buyer)
        make_contract(buyer, price=price)
    db.session.commit()
    return cast.seller.key("lead:post")


def race_one_ping(app: Flask, headers: dict[str, str]) -> Counter[str]:
    """Everybody posts the same lead for the same ping; statuses or codes by how often."""
    person = make_person()
    ping = make_ping(person)
    answer = app.test_client().post("/api/v1/pings", json=ping, headers=headers).json
    assert answer["status"] == "matched", answer
    body = lead_of(ping, person, ping_id=answer["id"], bid_id="any")

    def send() -> str:
        while (
            response := app.test_client().post("/api/v1/leads", json=body, headers=headers)
        ) and (response.status_code == 503):
            pass
        found = response.json
        return str(found["status"] if response.status_code == 201 else found["code"])

    clients: list[Client] = [send] * CLIENTS
    return race(app, clients)


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_one_ping_sells_one_lead_once(committed, headers):
    for sold in (1, 2):
        outcomes = race_one_ping(committed, headers)
        assert outcomes == {"accepted": 1, "ping_used": CLIENTS - 1}
        assert (count(Lead), count(OrderLine)) == (sold, sold)
    assert violations() == []


@pytest.mark.control
def test_the_control_uses_a_ping_more_than_once(committed, headers, monkeypatch):
    meet = meeting()

    def look(model: type[Ping], ping_id: UUID) -> Ping:
        found = get(model, ping_id)
        meet()
        return found

    monkeypatch.setattr(pings, "lock", look)
    monkeypatch.setattr(gates, "take_turns", lambda _buyers: None)
    assert race_one_ping(committed, headers)["ping_used"] <= CLIENTS - THREADS
