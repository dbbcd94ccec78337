"""Fifty programs come to one server at the same moment, over HTTP: who they are, and what they buy.

Races of this kind have a control whose server lacks the guard. It must not hang on luck: a control
looks, and waits until others have looked as well.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import requests
from sqlalchemy import func, select, text

from exchange.core.db import db
from exchange.identity.permissions import OrganizationKind
from exchange.market.models import LineStatus, Listing, OrderLine
from tests.cast import Player, make_company
from tests.factories.billing import fund_wallet

CLIENTS = 50
ROUNDS = 12
SECONDS = 60  # a deadline, not what it takes
WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'tuple'"
    " AND relation = CAST(:name AS regclass)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def make_buyers(count: int, *, wallet: int) -> list[Player]:
    """So many buyers with this much in their wallets, in minor units."""
    buyers = [
        make_company(f"buyer{number}@race.example", OrganizationKind.BUYER, f"Buyer {number}")
        for number in range(count)
    ]
    for buyer in buyers:
        fund_wallet(buyer, wallet)
    return buyers


@contextmanager
def at_once(client: Callable[[int], object], *, clients: int = CLIENTS) -> Iterator[None]:
    """Start all clients together, each with its number; the block goes on beside them.

    At its end everybody has finished, and what went wrong for one of them is raised.
    """
    start = threading.Barrier(clients)

    def begin(number: int) -> None:
        start.wait()
        client(number)

    pool = ThreadPoolExecutor(clients)
    running = [pool.submit(begin, number) for number in range(clients)]
    try:
        yield
        for one in running:
            one.result()
    finally:
        pool.shutdown(wait=False)  # after an error nobody is waited for: the server ends them


def wait_without_end() -> None:
    """From here on this unit of work waits for locks for as long as it takes."""
    db.session.execute(text("SET LOCAL lock_timeout = 0"))
    db.session.execute(text("SET LOCAL statement_timeout = 0"))


def queue_behind(table: str) -> int:
    """How many wait for a row of the table behind the first who waits for it."""
    return db.session.scalar(WAITING, {"name": table}) or 0


@dataclass(frozen=True, slots=True)
class Stage:
    """A market with one listing, and many programs that buy from it."""

    listing: Listing
    headers: list[dict[str, str]]

    def order(
        self,
        session: requests.Session,
        url: str,
        *,
        client: int,
        key: str,
        quantity: int,
        version: int = 1,
    ) -> requests.Response:
        """One order of a client."""
        return session.post(
            f"{url}/api/v1/orders",
            json={
                "listing_id": self.listing.public_id,
                "quantity": quantity,
                "terms_version": version,
            },
            headers={**self.headers[client], "Idempotency-Key": key},
            timeout=60,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one client: who goes, where to, and with what chance."""

    session: requests.Session
    url: str
    client: int
    number: int
    random: Random

    @property
    def key(self) -> str:
        """An intention of its own."""
        return f"{self.client}-{self.number}"


def rush(url: str, deal: Callable[[Step], list[int]], *, rounds: int = ROUNDS) -> Counter[int]:
    """Let everybody deal again and again until they are told 410; statuses by how often."""
    seen, writing = Counter[int](), threading.Lock()

    def run(client: int) -> None:
        random, session = Random(client), requests.Session()
        for number in range(rounds):
            statuses = deal(Step(session, url, client, number, random))
            with writing:
                seen.update(statuses)
            if 410 in statuses:
                return

    with at_once(run):
        pass
    return seen


def sold_leads() -> int:
    """Lines that were not let go of."""
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
