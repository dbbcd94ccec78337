"""Other ways to the same probabilities, shared by tests: fractions, all lots at once, simulation.

Nothing here calls the program: it walks wave after wave, each drawn from what those before left.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.stats import hypergeom

from exchange.verification.plans import SamplingPlan

End = tuple[int, int]  # an acceptance: its stage, from 1, and its bad leads


def exact_pmf(k: int, *, population: int, bad: int, drawn: int) -> Fraction:
    if not 0 <= k <= drawn:
        return Fraction(0)
    ways = math.comb(bad, k) * math.comb(population - bad, drawn - k)
    return Fraction(ways, math.comb(population, drawn))


def exact_cdf(k: int, **lot: int) -> Fraction:
    return sum((exact_pmf(j, **lot) for j in range(k + 1)), Fraction(0))


def exact_acceptance(plan: SamplingPlan, *, population: int, bad: int) -> Fraction:
    chances, accepted, before = {0: Fraction(1)}, Fraction(0), 0
    for n, accept, reject in zip(plan.looks, plan.accept, plan.reject, strict=True):
        after: dict[int, Fraction] = {}
        for found, chance in chances.items():
            rest = {"population": population - before, "bad": bad - found, "drawn": n - before}
            for more in range(min(rest["drawn"], rest["bad"]) + 1):
                after[found + more] = after.get(found + more, 0) + chance * exact_pmf(more, **rest)
        accepted += sum(chance for found, chance in after.items() if found <= accept)
        chances = {found: c for found, c in after.items() if accept < found < reject}
        before = n
    assert not chances
    return accepted


def ends(plan: SamplingPlan, *, population: np.ndarray, bad: np.ndarray) -> dict[End, np.ndarray]:
    """The probability of every acceptance, in as many lots at once as the arrays name."""
    nothing = np.zeros(np.broadcast(population, bad).shape)
    chances = {0: nothing + 1}
    accepted: dict[End, np.ndarray] = {}
    before = 0
    looks = zip(plan.looks, plan.accept, plan.reject, strict=True)
    for stage, (n, accept, reject) in enumerate(looks, start=1):
        after: dict[int, np.ndarray] = defaultdict(nothing.copy)
        for found, chance in chances.items():
            for more in range(min(n - before, reject - 1 - found) + 1):
                mass = hypergeom.pmf(more, population - before, bad - found, n - before)
                # Where the lot has no such rest, nothing came this far.
                after[found + more] += chance * np.nan_to_num(mass)
        accepted |= {(stage, found): after.pop(found) for found in sorted(after) if found <= accept}
        chances, before = after, n
    return accepted


def acceptance(plan: SamplingPlan, *, population: np.ndarray, bad: np.ndarray) -> np.ndarray:
    return sum(ends(plan, population=population, bad=bad).values())


@dataclass(frozen=True, slots=True)
class Walks:
    """How simulated lots ended; one entry a lot."""

    accepted: np.ndarray
    stage: np.ndarray  # from 1
    checks: np.ndarray
    bad: np.ndarray


def simulate(plan: SamplingPlan, *, bad: int, lots: int, seed: int) -> Walks:
    """Check one lead of every lot after the other, without replacement, until all are decided."""
    rng = np.random.default_rng(seed)
    found, checks, stages = (np.zeros(lots, dtype=int) for _ in range(3))
    accepted = np.zeros(lots, dtype=bool)
    running, stage = np.arange(lots), 0
    for drawn in range(1, plan.looks[-1] + 1):
        stage += drawn > plan.looks[stage]
        left = (bad - found[running]) / (plan.size - drawn + 1)
        found[running] += rng.random(running.size) < left
        passed = (found[running] <= plan.accept[stage]) & (drawn == plan.looks[stage])
        done = passed | (found[running] >= plan.reject[stage])
        accepted[running[passed]] = True
        checks[running[done]], stages[running[done]] = drawn, stage + 1
        running = running[~done]
    assert not running.size
    return Walks(accepted, stages, checks, found)
