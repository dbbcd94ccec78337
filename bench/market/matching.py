"""A lead meets the contracts: the index beside a scan and beside one SQL query, then the sale.

All three choose the same winner for every lead, or the bench fails. The sale is the product's own
verb with caps, budgets, holds, slots and events, a thousand leads in a transaction.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final
from uuid import UUID

from bench.harness import Bench, stopwatch
from bench.market import crowd
from bench.market.house import House, house
from bench.market.reference import Reference
from exchange.core import clock, jobs
from exchange.core.db import unit_of_work
from exchange.market.contract_index import ContractIndex, Entry, rank
from exchange.market.counting import read_ahead
from exchange.market.fitting import LeadFacts, fits
from exchange.market.services import matches, meetings

SIZES: Final = (1_000, 10_000, 100_000)
GOALS_AT: Final = 10_000
LEADS: Final = 1_000
SCANNED: Final = 3
BATCHES: Final = 3
ALONE: Final = 40


@dataclass(slots=True)
class Figures:
    """Seconds for one lead, by what was asked."""

    top: list[float]
    every: list[float]
    sql: list[float]
    whole: float = 0.0


def measure(bench: Bench) -> None:
    """Measure every size on one house that grows."""
    found: dict[int, Figures] = {}
    with house() as ours:
        with unit_of_work():
            reference, now = Reference(ours.url), clock.now()
        crowded = crowd.entries(SIZES[-1], seed=5, now=now)
        done = 0
        for size in SIZES:
            ours.add_contracts(crowded[done:size], now=now)
            reference.add(crowded[done:size])
            found[size] = _select(crowded[:size], reference, now=now)
            found[size].whole = _sell(ours, size)
            done = size
    _judge(bench, found)


def _select(entries: Sequence[Entry], reference: Reference, *, now: datetime) -> Figures:
    """Candidates alone: index and SQL take turns, lead by lead."""
    with stopwatch() as built:
        index = ContractIndex(entries)
    random = Random(len(entries))
    leads = [crowd.lead_facts(random, now=now) for _ in range(LEADS)]
    for lead in leads[:50]:  # warm, and prepared
        reference.best(lead, now)
        next(index.fitting(lead, now), None)
    top, every, sql = [], [], []
    for lead in leads:
        best = _timed(top, lambda lead=lead: next(index.fitting(lead, now), None))
        same = _timed(sql, lambda lead=lead: reference.best(lead, now))
        assert (best and best.id) == same, "the index and SQL choose differently"
    sizes = [
        len(_timed(every, lambda lead=lead: list(index.all_fitting(lead, now)))) for lead in leads
    ]
    scan = _scan(entries, leads[:SCANNED], index=index, now=now)
    fit = statistics.mean(sizes)
    print(f"# {len(entries):,} contracts, built in {built[0]:.1f} s; a lead fits {fit:.0f}")
    for name, taken in (("top bidder", top), ("all", every), ("SQL", sql), ("scan", scan)):
        _say(name, taken)
    return Figures(top, every, sql)


def _timed(taken: list[float], work: Callable[[], object]) -> object:
    began = time.perf_counter()
    result = work()
    taken.append(time.perf_counter() - began)
    return result


def _scan(
    entries: Sequence[Entry], leads: Sequence[LeadFacts], *, index: ContractIndex, now: datetime
) -> list[float]:
    """The plain predicate over everybody in order, to the last."""
    ordered, taken = sorted(entries, key=lambda one: rank(one, price=one.price)), []
    for lead in leads:
        found = _timed(
            taken,
            lambda lead=lead: [
                one for one in ordered if fits(one.terms, lead, price=one.price, now=now)
            ],
        )
        same = list(index.all_fitting(lead, now))
        assert [one.id for one in found] == same, "the index and the scan choose differently"
    return taken


def _sell(ours: House, size: int) -> float:
    """The whole transaction: seconds for a lead in batches, printed beside one at a time."""
    with stopwatch() as loaded:
        read_ahead(jobs.application())
    random, now = Random(size), clock.now()
    print(f"# the index followed {size:,} contracts in {loaded[0]:.1f} s")
    _batch(ours.add_listing(LEADS // 5, random=random, now=now))  # warm
    taken = []
    for _ in range(BATCHES):
        listing_id = ours.add_listing(LEADS, random=random, now=now)
        seconds, sold = _batch(listing_id)
        taken.append(seconds / LEADS)
    print(
        f"# whole transaction: {1 / statistics.median(taken):,.0f} leads/s, {sold} of {LEADS} sold"
    )
    with stopwatch() as added, unit_of_work():
        meetings.add_up_refusals(limit=1_000)
    print(f"# what these rounds refused is added up in {added[0] * 1e3:,.0f} ms, by a sweep")
    listing_id = ours.add_listing(ALONE, random=random, now=now)
    alone = [_batch(listing_id, [lead_id])[0] for lead_id in _leads_of(ours, listing_id)]
    _say("one lead per transaction", alone)
    return statistics.median(taken)


def _batch(listing_id: UUID, lead_ids: Sequence[UUID] | None = None) -> tuple[float, int]:
    with stopwatch() as taken, unit_of_work():
        sold = matches.match_listing(listing_id=listing_id, lead_ids=lead_ids)
    return taken[0], sold


def _leads_of(ours: House, listing_id: UUID) -> list[UUID]:
    rows = ours.owner.execute(
        "SELECT lead.id FROM lead JOIN listing USING (batch_id) WHERE listing.id = %s", [listing_id]
    )
    return [row[0] for row in rows]


def _say(name: str, taken: Sequence[float]) -> None:
    cuts = statistics.quantiles(taken, n=100)
    p50, p95, p99 = (cuts[at - 1] * 1e6 for at in (50, 95, 99))
    rate = len(taken) / sum(taken)
    print(f"#   {name}: p50 {p50:,.0f} us, p95 {p95:,.0f}, p99 {p99:,.0f}; {rate:,.0f} leads/s")


def _judge(bench: Bench, found: dict[int, Figures]) -> None:
    """The goals of the issue; a sum of seconds is what a rate is made of."""
    at, most = found[GOALS_AT], found[SIZES[-1]]
    mean = statistics.mean
    figures = (
        ("match_top_to_sql", mean(at.sql) / mean(at.top), "ratio", (">=", 5.0)),
        ("match_all", 1 / mean(at.every), "leads/s", (">=", 2_000.0)),
        ("match_whole_to_sql", mean(at.sql) / at.whole, "ratio", (">=", 0.5)),
        ("match_top_growth_100k", mean(most.top) / mean(at.top), "ratio", ("<=", 4.0)),
        ("match_whole_growth_100k", most.whole / at.whole, "ratio", ("<=", 4.0)),
    )
    for name, value, unit, goal in figures:
        bench.figure(name, value, unit, goal=goal)
    for smaller, larger in itertools.pairwise(SIZES):
        growth = mean(found[larger].every) / mean(found[smaller].every)
        print(f"# all matching, {larger:,} to {smaller:,} contracts: {growth:.1f} times a lead")
