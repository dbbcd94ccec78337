"""Fifty programs post leads at contracts with caps, over HTTP, while a period ends.

The clock goes over the end of a year in the contracts' time zone, which ends an hour, a day, a week
and a month, over the hour that is skipped in spring and the one that comes twice in autumn. Some ping
first and are bought from in the web server; others just post, and the workers sell what has slots
left. The control looks how much a contract has left, and locks nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock
from exchange.core.db import db, unit_of_work
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.leads.models import LeadKind
from exchange.leads.post_models import SourceTerms
from exchange.market.contract_models import CapUse
from exchange.market.contract_terms import Caps, Period, period_start
from tests.cast import Cast, Player, make_cast
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import make_person
from tests.factories.pings import hashes_of, lead_of, make_ping
from tests.factories.posts import make_terms, post
from tests.journeys.rush import CLIENTS, SECONDS, at_once, make_buyers, oversold_leads
from tests.servers import house
from tests.waiting import eventually

ZONE = "America/New_York"
STEP = timedelta(minutes=20)
# Ten minutes before the end of a year that ends with a week, of the hour that is skipped, and of
# the one that comes twice.
NEW_YEAR = datetime(2035, 1, 1, 4, 50, tzinfo=UTC)
SPRING = datetime(2035, 3, 11, 6, 50, tzinfo=UTC)
AUTUMN = datetime(2035, 11, 4, 5, 50, tzinfo=UTC)
# When the periods began, by the clock of New York, in which something can be bought.
BEGUN = {
    Period.MONTH: ("2034-12-01 05", "2035-01-01 05", "2035-03-01 05", "2035-11-01 04"),
    Period.WEEK: ("2034-12-25 05", "2035-01-01 05", "2035-03-05 05", "2035-10-29 04"),
    Period.DAY: ("2034-12-31 05", "2035-01-01 05", "2035-03-11 05", "2035-11-04 04"),
    Period.HOUR: (
        *("2035-01-01 04", "2035-01-01 05"),
        *("2035-03-11 06", "2035-03-11 07"),
        *("2035-11-04 05", "2035-11-04 06"),
    ),
}
CAP = 2
PRICE = 50_00
BEST = 60_00  # what the buyer bids who can pay for two leads and almost for a third
POOR = 3 * BEST - 1
SLOTS = 2  # of a lead
SOURCES = 20
# A bid lapses where its contract is full by then, and expires where the clock went on; who opens
# two lots at once, or waits for too long, is told to try again.
ANSWERS = {"accepted", "rejected", "no_match", "ping_expired", "conflict", "unavailable"}

pytestmark = pytest.mark.commits
Json = dict[str, Any]  # Any: JSON


@dataclass(slots=True)
class Stage:
    """Sellers with sources, contracts with their caps, and what programs were told."""

    sellers: list[Player]
    terms: list[SourceTerms]  # of each source
    contracts: dict[UUID, Caps]
    seen: Counter[str] = field(default_factory=Counter)


def set_stage(cast: Cast, caps: Sequence[Caps]) -> Stage:
    """Two sellers with many sources, and buyers with two contracts each, ranked as they come."""
    sellers = [cast.seller, cast.other_seller]
    wish = {"kind": LeadKind.SHARED, "sales_max": SLOTS, "trusted": True}
    terms = [
        make_terms(seller_of(sellers, number), source=source_of(number), **wish)
        for number in range(SOURCES)
    ]
    buyers = make_buyers((len(caps) + 1) // 2, wallet=100_000_00)
    contracts = {
        make_contract(buyers[number // 2], price=PRICE, caps=one, time_zone=ZONE).id: one
        for number, one in enumerate(caps)
    }
    db.session.commit()
    return Stage(sellers, terms, contracts)


def seller_of(sellers: Sequence[Player], number: int) -> Player:
    return sellers[number % SOURCES % len(sellers)]


def source_of(number: int) -> str:
    return f"page {number % SOURCES}"


@contextmanager
def posting(url: str, stage: Stage) -> Iterator[None]:
    """Fifty programs that post as long as the block goes on, every other one after a ping."""
    over, writing = threading.Event(), threading.Lock()
    # With a key each: the programs of one key are served one after the other.
    keys = [seller_of(stage.sellers, number).key("lead:post") for number in range(CLIENTS)]
    ping = make_ping()
    lead = lead_of(ping, make_person())
    db.session.commit()

    def run(number: int) -> None:
        send = Sender(requests.Session(), url, keys[number])
        while not over.is_set():
            person = make_person()
            named = {"source": source_of(number), **hashes_of(person)}
            body = {**lead, "contact": person, "source": source_of(number)}
            said = send.offer({**ping, **named}, body) if number % 2 else send.post(body)
            with writing:
                stage.seen[said] += 1

    with at_once(run):
        try:
            yield
        finally:
            over.set()


@dataclass(frozen=True, slots=True)
class Sender:
    """One program of a seller."""

    session: requests.Session
    url: str
    headers: dict[str, str]

    def post(self, body: Json) -> str:
        """What the answer says: its state, or the code of the refusal."""
        told = self.send("leads", body)
        return str(told.get("code") or told["status"])

    def offer(self, ping: Json, body: Json) -> str:
        """Ping, and post the lead where somebody bids."""
        told = self.send("pings", ping)
        if not told.get("bids"):
            return str(told.get("code") or told["status"])
        return self.post({**body, "ping_id": told["id"], "bid_id": "any"})

    def send(self, door: str, body: Json) -> Json:
        at = f"{self.url}/api/v1/{door}"
        told: Json = self.session.post(at, json=body, headers=self.headers, timeout=60).json()
        return told


def put_clock(moment: datetime) -> None:
    with unit_of_work():
        clock.advance(moment - clock.now())


def go_over(moment: datetime, url: str, stage: Stage, *, goes_on: Callable[[Stage], bool]) -> None:
    """Post until it may go on, let the time pass meanwhile, and the same on the other side."""
    put_clock(moment)
    with unit_of_work():  # who opens a lot waits for others of the seller who do: here nobody does
        for number, terms in enumerate(stage.terms):
            post(seller_of(stage.sellers, number), terms)
    with posting(url, stage):
        eventually(lambda: goes_on(stage), seconds=SECONDS)
        put_clock(moment + STEP)
        eventually(lambda: goes_on(stage), seconds=SECONDS)


def taken_now(stage: Stage) -> list[tuple[int, int]]:
    """How many leads each contract took in the present period of its cap, and for how much."""
    with unit_of_work():
        now = clock.now()
        begun = {period: period_start(period, now, time_zone=ZONE) for period in BEGUN}
        taken = {(u.contract_id, u.period, u.starts_at): (u.leads, u.amount) for u in all_uses()}
    places = [(key, *caps.periods) for key, caps in stage.contracts.items()]
    return [taken.get((key, period, begun[period]), (0, 0)) for key, period in places]


def all_uses() -> list[CapUse]:
    statement = select(CapUse).order_by(CapUse.starts_at)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def everybody_took_some(stage: Stage) -> bool:
    return all(leads for leads, _ in taken_now(stage))


def test_caps_and_budgets_hold_while_hours_days_weeks_and_months_end(committed: Flask):
    """The hour ranks last, so that it is being filled when it ends."""
    settings, cast = committed.config["SETTINGS"], make_cast()
    limits = [one for period in BEGUN for one in (leads_of(period), money_of(period))]
    stage = set_stage(cast, limits)
    make_contract(cast.buyer, price=BEST, time_zone=ZONE)
    fund_wallet(cast.buyer, POOR)
    db.session.commit()
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(house.worker(settings))
        server = stack.enter_context(house.web(settings))
        for moment in (NEW_YEAR, SPRING, AUTUMN):
            go_over(moment, server.url, stage, goes_on=everybody_took_some)
    assert set(stage.seen) <= ANSWERS, stage.seen
    for contract_id, caps in stage.contracts.items():
        (period,) = caps.periods
        uses = [u for u in all_uses() if (u.contract_id, u.period) == (contract_id, period)]
        assert tuple(f"{use.starts_at:%Y-%m-%d %H}" for use in uses) == BEGUN[period]
        assert all(0 < use.leads <= CAP for use in uses), period
    assert oversold_leads(SLOTS) == 0
    left = billing.balance(cast.buyer.organization.id, AccountKind.WALLET, Currency.USD)
    assert left.amount == POOR - 2 * BEST
    assert violations() == []


def leads_of(period: Period) -> Caps:
    return Caps({period: CAP})


def money_of(period: Period) -> Caps:
    return Caps(amount={period: (CAP + 1) * PRICE - 1})


@pytest.mark.control
def test_the_control_goes_beyond_both_caps_on_both_sides(committed: Flask):
    one_lead = Caps({Period.DAY: 1}, {Period.DAY: 2 * PRICE - 1})
    stage = set_stage(make_cast(), [one_lead])
    unguarded = "tests.servers.unguarded_caps:app"
    with house.web(committed.config["SETTINGS"], application=unguarded) as server:
        go_over(NEW_YEAR, server.url, stage, goes_on=took_too_much)
    assert len([found for found in violations() if "took" in found]) == 4


def took_too_much(stage: Stage) -> bool:
    return taken_now(stage) >= [(2, 2 * PRICE)]
