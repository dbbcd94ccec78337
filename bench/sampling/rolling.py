"""A seller of forty leads a day: how soon they are on sale, and how many of the people are called.

Leads that come one by one are sealed as the product seals them: a full lot, or what a day brought.
The first lot of a source waits for its check; a source in good standing sells at once and its lots
are checked afterwards; a rejected lot stops it, and it begins anew. Good sellers only: others do
not keep their standing. Beside it what larger lots of a source in good standing would give: nobody
waits for their seal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from statistics import mean, quantiles
from typing import Final

from bench.harness import Bench
from bench.sampling import population
from bench.sampling.counting import decided
from bench.sampling.floor import DAY_HOURS
from bench.sampling.policies import OURS
from bench.sampling.population import KINDS, Lot
from bench.sampling.simulation import Worked, work
from exchange.leads.services.lots import LEADS_MAX, OPEN_FOR

PER_DAY: Final = 40
TODAY: Final = min(LEADS_MAX, PER_DAY * OPEN_FOR // timedelta(days=1))
LOTS: Final = 300
LARGER: Final = 200
CALLED_MAX: Final = 0.25


@dataclass(frozen=True, slots=True)
class Sold:
    """How the leads of all sellers came on sale."""

    hours: Sequence[float]  # working hours from the post to the sale, of each lead
    at_once: float  # the share of lots that sold before their check


def run(bench: Bench) -> None:
    """Today's lots with their goals, then larger ones beside them."""
    first = work(OURS, _lots(TODAY), sources=1)
    sold = _sell(first)
    print(
        f"# {PER_DAY} leads a day in lots of {TODAY}: {sold.at_once:.0%} of the lots sold at once"
    )
    bench.figure("small_seller_hours_p90", _p90(sold.hours), "h", goal=("<=", DAY_HOURS))
    bench.figure("small_seller_called", first.people / 1_000, "share", goal=("<=", CALLED_MAX))
    larger = work(OURS, _lots(LARGER), sources=1)
    lots = population.LOTS_EACH
    called = first.people / lots + larger.people * (lots - 1) / lots
    print(
        f"# without goal: lots of {LARGER} while in good standing, the first of {TODAY}:"
        f" {called / 10:.0f} % of the people called"
    )


def _lots(size: int) -> list[Lot]:
    return population.lots(size=size, kinds=KINDS[:1])[:LOTS]


def _p90(hours: Sequence[float]) -> float:
    return quantiles(hours, n=10)[-1]


def _sell(worked: Worked) -> Sold:
    """Walk through the lots of each seller; a lot that waits takes as long as one on the floor."""
    random, hours, at_once = Random(7), [], []
    trusted = False
    for number, lot in enumerate(population.lots(size=TODAY, kinds=KINDS[:1], mixed=False)):
        if number % population.LOTS_EACH == 0:
            trusted = False  # the next seller
        at_once.append(trusted)
        wait = 0.0 if trusted else random.choice(worked.hours)
        posts = range(lot.size)
        hours += [0.0 if trusted else wait + _until_seal(post / lot.size) for post in posts]
        trusted = decided(OURS.plan(lot.size), lot, random)[0]
    return Sold(hours, mean(at_once))


def _until_seal(part: float) -> float:
    """Working hours that a lead waits for its lot to be sealed, posted at this part of a day."""
    return DAY_HOURS * (1 - part)
