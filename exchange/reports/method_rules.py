"""The rules of the method page beside the plans: sources, verifiers, records, and one worked draw.

Every figure is computed from what the program runs, or is the number it runs with. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from exchange.catalog.policies import USUAL_CHECKS
from exchange.leads import seal
from exchange.verification import draw
from exchange.verification.plans import LX_15
from exchange.verification.reputation import LotCount, Reputation, judge_source
from exchange.verification.sampling import Odds, probability_up_to
from exchange.verification.sources import EXTRA_MAX
from exchange.verification.tripwires import SOURCE_RULE
from exchange.verification.workers import EXAM_SIZE

SOURCE_CHECKS: Final = SOURCE_RULE.drawn  # of each declared source that is large enough
SOURCE_BAD: Final = SOURCE_RULE.quarantine_at  # among them, and the source is quarantined
SOURCE_EXTRA: Final = EXTRA_MAX  # checks at most, beside those of the lot
EXAM: Final = EXAM_SIZE  # known calls
SOURCE_SHARES: Final = (0.01, 0.03, 0.15, 0.30)
SENSITIVITY, SPECIFICITY = 0.95, 0.98  # of the verifier of the example
DOUBLES: Final = USUAL_CHECKS.double_checks_bps / 10_000  # of the good answers

LOTS: Final = (0, 1, 4, 10, 25)
CITIES: Final = ("Boston", "Chicago", "Denver", "Memphis")
CLEAN, FAIR = LotCount(good=22, bad=0), LotCount(good=61, bad=3)


@dataclass(frozen=True, slots=True)
class Flagged:
    """A source's share of bad leads, and how likely its own checks stop it."""

    share: float
    chance: float


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What one verdict or the verdict of two out of three does to the promises of a plan."""

    sensitivity: float
    specificity: float
    alpha: float  # P(a lot at the seller's point is rejected)
    beta: float  # P(a lot at the buyer's point is accepted)


@dataclass(frozen=True, slots=True)
class Standing:
    """The record of a source after so many lots."""

    lots: int
    clean: Reputation  # each with 22 called and none bad
    fair: Reputation  # each with 64 called and 3 bad


@dataclass(frozen=True, slots=True)
class Drawn:
    """One lead of the worked example: its leaf, its ticket, and as which it is called."""

    record: str
    leaf: str
    ticket: str
    place: int


@dataclass(frozen=True, slots=True)
class WorkedDraw:
    """A draw small enough to be recomputed by hand with any SHA-256."""

    secret: str
    commitment: str
    salt: str
    root: str
    nonce: str
    seed: str
    leads: tuple[Drawn, ...]


def flagged() -> tuple[Flagged, ...]:
    """How often the rule of sources stops one: P(at least two bad among twelve)."""
    return tuple(Flagged(share, SOURCE_RULE.quarantined(share)) for share in SOURCE_SHARES)


@cache
def verdicts() -> tuple[Confirmed, Confirmed]:
    """The promises of LX-15 with one fallible verdict, and where two of three must say bad."""
    false_alarm = 1 - SPECIFICITY
    alone = _promises(SENSITIVITY, SPECIFICITY)
    return alone, _promises(_agreed(SENSITIVITY), 1 - _agreed(false_alarm))


def _agreed(says_bad: float) -> float:
    """P(bad is confirmed): the first says so, and the second or else the third does, too."""
    return says_bad * (says_bad + (1 - says_bad) * says_bad)


def _promises(sensitivity: float, specificity: float) -> Confirmed:
    def accepted(share: float) -> float:
        seen = share * sensitivity + (1 - share) * (1 - specificity)
        return probability_up_to(LX_15, LX_15.last_acceptance, odds=Odds.endless(seen))

    p1, p2 = float(LX_15.risks.p1), float(LX_15.risks.p2)
    return Confirmed(sensitivity, specificity, 1 - accepted(p1), accepted(p2))


def standings() -> tuple[Standing, ...]:
    """Records of a source that sends clean lots, and of one that sends fair ones."""
    return tuple(
        Standing(lots, judge_source([CLEAN] * lots), judge_source([FAIR] * lots)) for lots in LOTS
    )


@cache
def worked_draw() -> WorkedDraw:
    """A lot of four leads that are one city each, with a secret that everybody knows."""
    secret, salt, nonce = bytes(range(32)), bytes(16), "breakfast"
    records = [seal.canonical({"city": city}) for city in CITIES]
    leaves = [seal.leaf(salt, record) for record in records]
    root = seal.merkle_root(leaves)
    seed = draw.seed(secret, root=root, nonce=nonce, beacon="")
    order = list(draw.full_order(seed, leaves))
    leads = tuple(
        Drawn(record.decode(), leaf.hex(), draw.ticket(seed, leaf).hex(), order.index(index) + 1)
        for index, (record, leaf) in enumerate(zip(records, leaves, strict=True))
    )
    return WorkedDraw(
        secret=secret.hex(),
        commitment=draw.commitment(secret).hex(),
        salt=salt.hex(),
        root=root.hex(),
        nonce=nonce,
        seed=seed.hex(),
        leads=leads,
    )
