"""The people of the simulation: who answers, what they say, and how long a call takes.

Assumed, from verification.md 5: a person's chance to answer an attempt is drawn from
Beta(1.5, 4.5), so that 25 % are reached by the first, 52 % by the third and 71 % by the sixth. A
bad lead is one whose defect the calls of the policy find (decision 32): a number that does not
work, or a person who denies and was reached by both verifiers. A verifier takes a good one for a
bad one in two of a hundred talks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from exchange.catalog.scripts import Outcome

DEAD_SHARE: Final = 0.6  # of bad leads: numbers that do not work
FALSE_ALARM: Final = 0.02  # of talks with good people
SECONDS: Final = {  # of a call with all that is written down
    Outcome.NOT_REACHED: 60,
    Outcome.NUMBER_DEAD: 60,
    Outcome.DENIES: 240,
    Outcome.CONFIRMED: 240,
}


@dataclass(slots=True)
class Person:
    """Somebody who may be called: by each verifier in turn, so often in vain before they answer."""

    is_bad: bool
    is_dead: bool
    misses: Sequence[int]
    tried: list[int] = field(default_factory=lambda: [0, 0, 0])
    calls: list[datetime] = field(default_factory=list)

    def answer(self, verifier: int, random: Random) -> Outcome:
        """What the next attempt of a verifier, from 0, finds."""
        if self.is_dead:
            return Outcome.NUMBER_DEAD
        self.tried[verifier] += 1
        if self.tried[verifier] <= self.misses[verifier]:
            return Outcome.NOT_REACHED
        if self.is_bad or random.random() < FALSE_ALARM:
            return Outcome.DENIES
        return Outcome.CONFIRMED


def person(random: Random, *, is_bad: bool, attempts: int) -> Person:
    """One person; a bad one who can talk is reached by two verifiers in so many attempts each."""
    is_dead = is_bad and random.random() < DEAD_SHARE
    while True:
        chance = max(random.betavariate(1.5, 4.5), 1e-3)
        misses = [_misses(chance, random) for _ in range(3)]
        if is_dead or not is_bad or max(misses[:2]) < attempts:
            return Person(is_bad, is_dead, misses)


def _misses(chance: float, random: Random) -> int:
    """Attempts in vain before the first that reaches; nobody tries a hundred times."""
    for tried in range(100):
        if random.random() < chance:
            return tried
    return 100


def duration(code: Outcome) -> timedelta:
    """How long a call takes that ends so."""
    return timedelta(seconds=SECONDS[code])
