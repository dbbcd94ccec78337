"""Fifty programs bid in the closing second of an auction, over HTTP, while it is closed.

The auction is locked, bids come in time and wait, the time is over, and then it is closed. What is
accepted is in the result and what comes late is refused, by the clock behind the lock; all that
losers had set aside is back. The control runs the same story against a server that looks at the
clock and the auction before it waits for its turn: it must accept bids that are in no result.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind, Hold, HoldStatus
from exchange.core import clock
from exchange.core.db import db, lock, unit_of_work
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.market import queries
from exchange.market.auction_models import Auction, Bid, BidStatus
from exchange.market.auction_proof import verify
from exchange.market.services import awards
from tests.cast import Player, make_cast
from tests.factories.auctions import make_auction
from tests.factories.market import make_listing
from tests.journeys.rush import (
    CLIENTS,
    SECONDS,
    at_once,
    make_buyers,
    queue_behind,
    wait_without_end,
)
from tests.servers import house
from tests.waiting import eventually

LEADS = 30
FLOOR = 45_00
WALLET = 2_000_00
LATE = 3  # bids, at least, that wait while the auction is closed

pytestmark = pytest.mark.commits


@dataclass(slots=True)
class Stage:
    """An auction about to close, bidders who can pay, and what each was told."""

    auction: Auction
    buyers: list[Player]
    headers: list[dict[str, str]]
    accepted: dict[int, list[int]] = field(default_factory=dict)  # by client, the arrivals
    seen: Counter[int] = field(default_factory=Counter)
    links: dict[int, str] = field(default_factory=dict)


def set_stage() -> Stage:
    cast = make_cast()
    listing = make_listing(cast.seller, leads=LEADS, price=FLOOR)
    buyers = make_buyers(CLIENTS, wallet=WALLET)
    auction = make_auction(cast.seller, listing, units=LEADS)
    headers = [buyer.key("bid:place", "market:read") for buyer in buyers]
    db.session.commit()
    return Stage(auction, buyers, headers)


def race(app: Flask, url: str, stage: Stage) -> None:
    """Let everybody bid and change their bids until they are refused; close it meanwhile."""
    writing = threading.Lock()

    def run(number: int) -> None:
        random, session, step = Random(number), requests.Session(), 0
        while True:
            answer = send(session, url, stage, number=number, step=step, random=random)
            with writing:
                note(stage, number, answer)
            if answer.status_code not in {201, 503}:
                return
            step += 1

    with at_once(run):
        # Once the server is warm and everybody is at it, the time comes.
        eventually(lambda: len(stage.accepted) == CLIENTS, seconds=120)
        close_over_the_deadline(app, stage.auction)


def send(
    session: requests.Session,
    url: str,
    stage: Stage,
    *,
    number: int,
    step: int,
    random: Random,
) -> requests.Response:
    amount = {"amount": FLOOR + random.randrange(40) * 1_00, "currency": "USD"}
    return session.post(
        f"{url}/api/v1/auctions/{stage.auction.public_id}/bids",
        json={"amount": amount, "units": random.choice((1, 2, 3))},
        headers={**stage.headers[number], "Idempotency-Key": f"{number}-{step}"},
        timeout=60,
    )


def note(stage: Stage, number: int, answer: requests.Response) -> None:
    stage.seen[answer.status_code] += 1
    if answer.status_code == 201:
        told = answer.json()
        stage.accepted.setdefault(number, []).append(told["sequence"])
        stage.links[told["sequence"]] = told["link"]


def close_over_the_deadline(app: Flask, auction: Auction) -> None:
    """Close it while bids wait that came in time: it is over when their turn comes."""
    with unit_of_work():
        wait_without_end()
        lock(Auction, auction.id)
        eventually(lambda: queue_behind("auction") >= LATE, seconds=SECONDS)
        with app.app_context(), unit_of_work():  # a session beside the one that keeps the lock
            clock.advance(auction.closes_at - clock.now())
        awards.close(auction_id=auction.id)


def wallet(player: Player) -> int:
    return billing.balance(player.organization.id, AccountKind.WALLET, Currency.USD).amount


def paid(player: Player) -> int:
    found = select(func.sum(Bid.amount * Bid.units_won)).where(
        Bid.organization_id == player.organization.id, Bid.status == BidStatus.WON
    )
    return int(db.session.scalar(found) or 0)


def left_over() -> int:
    """Bids that were accepted and are in no result."""
    stay = Bid.status.in_([BidStatus.SEALED, BidStatus.OPENED])
    return db.session.scalar(select(func.count()).where(stay)) or 0


def test_no_bid_is_late_none_is_lost_and_every_cent_is_back(committed: Flask):
    stage = set_stage()
    with house.web(committed.config["SETTINGS"]) as server:
        race(committed, server.url, stage)
    db.session.rollback()
    assert set(stage.seen) <= {201, 410, 503}, stage.seen
    assert stage.seen[410] == CLIENTS
    proof = queries.auction_proof(db.session.get(Auction, stage.auction.id))
    # Every link that a bidder was told stands in the proof, and the result follows from it.
    assert verify(proof, seen=stage.links) == []
    assert proof["result"]["status"] == "awarded"
    last = {arrivals[-1] for arrivals in stage.accepted.values()}
    assert {one["sequence"] for one in proof["openings"]} == last
    assert len(proof["entries"]) == stage.seen[201] + 1
    assert left_over() == 0
    for buyer in stage.buyers:
        assert wallet(buyer) == WALLET - paid(buyer)
    active = select(func.count()).where(Hold.status == HoldStatus.ACTIVE)
    assert db.session.scalar(active) == 0
    assert violations() == []


@pytest.mark.control
def test_the_control_takes_late_bids(committed: Flask):
    stage = set_stage()
    with house.web(
        committed.config["SETTINGS"], application="tests.servers.unguarded_auction:app"
    ) as server:
        race(committed, server.url, stage)
    db.session.rollback()
    assert left_over() > 0
    assert violations() != []
