"""The sellers of the simulation: how bad their lots are. All of it is assumed, and seeded.

The mix is that of verification.md 6: 60 % good sellers, 22 % fair, 12 % poor and 6 % bad ones, and
one lot in a hundred is an attack by whoever sent it. What it leaves open is chosen here: a seller's
own share of bad leads comes from a Beta distribution of their kind, a lot's share from a Beta
around the seller's own that is worth a hundred leads, and an attack has 15 to 40 % bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

SELLERS: Final = 400
LOTS_EACH: Final = 25
ATTACKS: Final = 0.01
WORTH: Final = 100  # leads: how closely a lot follows its seller


@dataclass(frozen=True, slots=True)
class Kind:
    """Sellers of one kind: how many of a hundred, and the Beta of their shares of bad leads."""

    percent: int
    mean: float
    worth: float

    def seller(self, random: Random) -> float:
        """The share of bad leads of one seller."""
        return random.betavariate(self.mean * self.worth, (1 - self.mean) * self.worth)


KINDS: Final = (
    Kind(60, mean=0.024, worth=200),
    Kind(22, mean=0.050, worth=100),
    Kind(12, mean=0.100, worth=100),
    Kind(6, mean=0.200, worth=50),
)


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot of so many leads of which so many have a defect that a call finds."""

    size: int
    bad: int

    @property
    def share(self) -> float:
        """The share of bad leads."""
        return self.bad / self.size


def lots(
    *, size: int, kinds: Sequence[Kind] = KINDS, mixed: bool = True, seed: int = 1
) -> list[Lot]:
    """All lots of all sellers of these kinds, in the order in which they reach the floor.

    Mixed at random, or seller by seller.
    """
    random = Random(seed)
    made = []
    for kind in kinds:
        for _ in range(SELLERS * kind.percent // 100):
            own = kind.seller(random)
            made += [Lot(size, round(size * _share(own, random))) for _ in range(LOTS_EACH)]
    if mixed:
        random.shuffle(made)
    return made


def _share(own: float, random: Random) -> float:
    if random.random() < ATTACKS:
        return random.uniform(0.15, 0.40)
    own = min(max(own, 0.001), 0.999)
    return random.betavariate(own * WORTH, (1 - own) * WORTH)
