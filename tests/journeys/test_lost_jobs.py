"""Auctions whose time is over are closed although the job that closes them was lost on its way.

The doorbell may forget everything, and a worker that ends at the wrong moment takes along what it
has just been handed: the scheduler must not take the job's name for somebody at work.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from flask import Flask
from rq import Queue
from sqlalchemy import select

from exchange.core import clock, jobs
from exchange.core.db import db, unit_of_work
from exchange.core.invariants import violations
from exchange.market.auction_models import Auction, AuctionStatus
from tests.cast import Cast, make_cast
from tests.factories.auctions import HOUR, bid, make_auction
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing
from tests.servers import house
from tests.waiting import eventually

pytestmark = pytest.mark.commits
SECONDS = 120  # a deadline, not what it takes


def forget(bell: Queue) -> None:
    """The doorbell loses everything."""
    bell.connection.flushdb()


def take_away(bell: Queue) -> None:
    """A worker of several queues is handed the job and ends before it says that it has begun."""
    assert Queue.lpop([bell.key], None, connection=bell.connection)


def set_aside(bell: Queue) -> None:
    """A worker of one queue, which notes what it is handed, does the same."""
    assert Queue.lmove(bell.connection, bell.key, None)


# What is forgotten is all that was rung for before, so it comes first.
LOSSES: tuple[Callable[[Queue], None], ...] = (forget, take_away, set_aside)


def make_running(cast: Cast, *, number: int) -> Auction:
    listing = make_listing(cast.seller, leads=3, source=f"source {number}")
    auction = make_auction(cast.seller, listing, units=3)
    bid(cast.buyer, auction, 60_00)
    return auction


def statuses() -> set[AuctionStatus]:
    db.session.rollback()
    return set(db.session.scalars(select(Auction.status)))


def test_auctions_are_closed_although_their_jobs_are_lost(committed: Flask) -> None:
    settings, cast = committed.config["SETTINGS"], make_cast()
    fund_wallet(cast.buyer)
    auctions = [make_running(cast, number=number) for number in range(len(LOSSES))]
    clock.advance(HOUR)
    db.session.commit()
    bell = jobs.queue(jobs.JOBS["market.close_auction"].lane(auctions[0]))
    for auction, lose in zip(auctions, LOSSES, strict=True):
        with unit_of_work():
            jobs.enqueue("market.close_auction", auction.id)
        lose(bell)
    assert bell.count == 0
    assert statuses() == {AuctionStatus.OPEN}
    with ExitStack() as stack:
        stack.enter_context(house.worker(settings))
        stack.enter_context(house.scheduler(settings))
        eventually(lambda: statuses() == {AuctionStatus.AWARDED}, seconds=SECONDS)
    assert violations() == []
