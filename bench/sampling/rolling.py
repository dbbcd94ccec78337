"""A seller of forty leads a day: how soon they are on sale, and how many of the people are called.

Leads that come one by one are sealed as the product seals them. The first lot of a source waits for
its check; a source in good standing sells at once, its larger lots are checked afterwards (decision
record 0037); a rejected lot stops it, and it begins anew. Good sellers only: others do not keep
their standing. Counted are the first thousand leads of each, 25 days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from statistics import mean, quantiles
from typing import Final

from bench.harness import Bench
from bench.sampling import population
from bench.sampling.counting import decided
from bench.sampling.floor import DAY_HOURS
from bench.sampling.policies import OURS
from bench.sampling.population import KINDS, LOTS_EACH, Lot
from bench.sampling.simulation import Worked, work
from exchange.leads.services import lots

PER_DAY, LEADS = 40, 1_000
DAY: Final = timedelta(days=1)
WAITING: Final = min(lots.LEADS_MAX, PER_DAY * lots.OPEN_FOR // DAY)
SELLING: Final = min(lots.SELLING_LEADS_MAX, PER_DAY * lots.SELLING_OPEN_FOR // DAY)
GOOD: Final = KINDS[:1]
ON_THE_FLOOR: Final = 300  # lots
CALLED_MAX: Final = 0.25


@dataclass(slots=True)
class Sold:
    """How the leads of all sellers came on sale."""

    hours: list[float] = field(default_factory=list)  # working hours from the post, of each lead
    at_once: list[bool] = field(default_factory=list)  # of each lead
    called: float = 0.0  # people

    def add(self, lot: Lot, worked: Worked, *, trusted: bool, random: Random) -> None:
        """Sell a lot; one that waits takes as long as one on the floor took."""
        wait = 0.0 if trusted else random.choice(worked.hours)
        for post in range(lot.size):
            until_seal = DAY_HOURS * (1 - post / lot.size)
            self.hours.append(0.0 if trusted else until_seal + wait)
            self.at_once.append(trusted)
        self.called += worked.people / 1_000 * lot.size


def run(bench: Bench) -> None:
    """Sell the first thousand leads of each good seller."""
    worked = {
        size: work(OURS, population.lots(size=size, kinds=GOOD)[:ON_THE_FLOOR], sources=1)
        for size in (WAITING, SELLING)
    }
    sold = _sell(worked)
    print(
        f"# {PER_DAY} leads a day: lots of {WAITING}, in good standing of {SELLING};"
        f" {mean(sold.at_once):.0%} of the leads were sold at once"
    )
    hours = quantiles(sold.hours, n=10)[-1]
    bench.figure("small_seller_hours_p90", hours, "h", goal=("<=", DAY_HOURS))
    called = sold.called / len(sold.hours)
    bench.figure("small_seller_called", called, "share", goal=("<=", CALLED_MAX))


def _sell(worked: Mapping[int, Worked]) -> Sold:
    """Walk through the lots of each seller; the same seed makes them equally bad in both sizes."""
    random, sold = Random(7), Sold()
    by_size = {
        size: population.lots(size=size, kinds=GOOD, mixed=False) for size in (WAITING, SELLING)
    }
    for first in range(0, len(by_size[WAITING]), LOTS_EACH):
        leads, trusted = 0, False
        for number in range(first, first + LOTS_EACH):
            if leads >= LEADS:
                break
            size = SELLING if trusted else WAITING
            lot = by_size[size][number]
            sold.add(lot, worked[size], trusted=trusted, random=random)
            leads += size
            trusted = decided(OURS.plan(size), lot, random)[0]
    return sold
