"""Whether one tenant slows the others: their p95 beside a flood, and beside a thousand contracts.

Ordinary sellers ping all the time, in an open loop over HTTP. Measured alone first, then beside a
seller who pings and posts ten times as often as a key may, then beside a buyer with 1,000 contracts
who pauses and resumes them without end while a worker runs what that rings for. The figure is how
many times as long the ordinary sellers wait (p95); the goal is twice.

Then jobs: how long one contract of an ordinary buyer waits for its turn to meet what is on sale,
with the worker to itself, and behind a buyer who let 1,000 contracts wait for theirs at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import chain, cycle, islice
from random import Random
from uuid import UUID

import psycopg
from sqlalchemy import select

from bench.harness import Bench, p95
from bench.market import load, trade
from bench.market.load import Request, Shot, Stream
from bench.market.trade import Seller, Trade
from bench.sampling.stage import Stage, stage
from exchange.core.db import db, unit_of_work
from exchange.core.ids import encode
from exchange.identity.permissions import OrganizationKind
from exchange.market.contract_models import Contract
from exchange.market.services import meetings
from tests.cast import Player, make_company
from tests.servers import house

CONTRACTS, BUYERS, ORDINARY = 2_000, 100, 4
PER_SECOND = 5  # pings of each ordinary seller
FLOOD = 300  # pings a second of the one who does not keep to the limit
POSTS, POSTED = 60, 600  # a second, and different leads
HERS, CHANGES = 1_000, 10  # contracts of one buyer, and changes of them in a second
SECONDS = 15
WAITS = 40  # jobs of the ordinary buyer, one after the other
POLL = 0.002  # seconds
GOAL = 2.0  # times the p95 of the ordinary sellers alone


def measure(bench: Bench) -> None:
    """Print the ratio beside each loud neighbor."""
    with stage() as ours:
        made = trade.make_trade(contracts=CONTRACTS, buyers=BUYERS, sellers=ORDINARY + 1)
        calm = [trade.pings(made, one, per_second=PER_SECOND) for one in made.sellers[:ORDINARY]]
        flood = _flood(made, made.sellers[ORDINARY])
        loud = make_company("loud@bench.example", OrganizationKind.BUYER, "Loud Buyer")
        hers = _contracts(made, loud)
        changes = _changes(loud, hers)
        alone, beside = _run(ours, calm, {"flood": flood, "contracts": [changes]})
        for name, (found, said) in beside.items():
            print(f"# fairness: beside {name} p95 {found:.1f} ms, alone {alone:.1f} ms; {said}")
            bench.figure(f"fairness_{name}", found / alone, "times", goal=("<=", GOAL))
        one, behind = _waits(ours, _contracts_of(made.buyers[0]), behind=hers)
        print(f"# fairness: a job waits {one:.0f} ms (p95), behind {HERS} others {behind:.0f} ms")
        bench.figure("fairness_jobs", behind / one, "times", goal=("<=", GOAL))


def _run(
    ours: Stage, calm: Sequence[Stream], loud: dict[str, list[Stream]]
) -> tuple[float, dict[str, tuple[float, str]]]:
    """The p95 of the calm ones alone, then beside each loud one, with what those were told."""
    names = {stream.name for stream in calm}
    with house.web(ours.settings) as server, house.worker(ours.settings):
        load.drive(server.url, calm, seconds=SECONDS / 3)
        alone = _p95(load.drive(server.url, calm, seconds=SECONDS), names)
        beside = {}
        for name, streams in loud.items():
            found = load.drive(server.url, [*calm, *streams], seconds=SECONDS)
            others = [shot for key in found.keys() - names for shot in found[key]]
            beside[name] = (_p95(found, names), load.statuses(others))
    return alone, beside


def _p95(found: dict[str, list[Shot]], names: set[str]) -> float:
    shots = list(chain.from_iterable(found[name] for name in names))
    assert all(shot.status == 200 for shot in shots), load.statuses(shots)
    return load.percentile(shots, 95)


def _flood(made: Trade, seller: Seller) -> list[Stream]:
    return [
        trade.pings(made, seller, per_second=FLOOD),
        trade.posts(seller, per_second=POSTS, count=POSTED),
    ]


def _contracts(made: Trade, buyer: Player) -> list[UUID]:
    owners = [buyer.organization.id] * HERS
    contracts = trade.write_contracts(made.vertical, owners, Random(7))
    db.session.commit()
    return contracts


def _changes(buyer: Player, contracts: Sequence[UUID]) -> Stream:
    """One buyer who pauses and resumes a thousand contracts, one after the other."""
    paths = (f"/api/v1/contracts/{encode(Contract.PREFIX, one)}" for one in contracts)
    requests = [Request(f"{path}/{step}", b"{}") for path in paths for step in ("pause", "resume")]
    headers = {**buyer.key("contract:write"), "Content-Type": "application/json"}
    db.session.commit()
    db.session.remove()  # nothing is held open meanwhile
    return Stream("contracts", CHANGES, requests, headers, connections=1)


def _contracts_of(buyer_id: UUID) -> Iterator[UUID]:
    """A buyer's contracts, one after the other: the job of one is still put away for a moment."""
    owned = select(Contract.id).where(Contract.organization_id == buyer_id)
    return cycle(db.session.scalars(owned).all())


def _waits(
    ours: Stage, contracts: Iterator[UUID], *, behind: Sequence[UUID]
) -> tuple[float, float]:
    """Until a contract had its turn, in milliseconds (p95): alone, and behind the others."""
    with house.worker(ours.settings), psycopg.connect(ours.owner, autocommit=True) as connection:
        _until_done(connection, next(contracts))  # the worker has begun
        alone = [_until_done(connection, one) for one in islice(contracts, WAITS)]
        with unit_of_work():
            for one in behind:
                meetings.call(one)
        loud = [_until_done(connection, one) for one in islice(contracts, WAITS)]
        assert _is_waiting(connection, behind), "nobody was loud any more"
    return 1_000 * p95(alone), 1_000 * p95(loud)


def _until_done(connection: psycopg.Connection, contract_id: UUID) -> float:
    """How long the contract waits until it had its turn, in seconds."""
    with unit_of_work():
        meetings.call(contract_id)
    rung = time.perf_counter()
    while _is_waiting(connection, [contract_id]):
        time.sleep(POLL)
    return time.perf_counter() - rung


def _is_waiting(connection: psycopg.Connection, contract_ids: Sequence[UUID]) -> bool:
    due = "SELECT 1 FROM contract_round WHERE contract_id = ANY(%s) LIMIT 1"
    return connection.execute(due, [list(contract_ids)]).fetchone() is not None
