"""The second gate: whether a lot's people can be reached about as often as those of its vertical.

Pure. The norm is a share that the same attempts reached elsewhere; a lot that is significantly
below it is undecided, though its defects would pass (decisions 7 and 33).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Final, Self

from exchange.catalog.scripts import Outcome
from exchange.verification.distributions import binomial_cdf

ALPHA: Final = Fraction(1, 100)  # P(a lot that is reached as usual fails the gate) at most
# Fewer people say too little of a vertical: their share has a standard error above 2.5 points.
NORM_PEOPLE_MIN: Final = 400
BPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class ReachNorm:
    """What share the decision policy reaches: so many of so many people, in so many lots.

    With it goes the share that may stay open at all, a term of the vertical (decision record 0038).
    """

    reached: int
    people: int
    lots: int  # 0: the start value of the vertical's terms, in basis points
    open_max_bps: int = 4_000

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.reached / self.people

    @property
    def open_max(self) -> float:
        """The share of people who may stay open, between 0 and 1."""
        return self.open_max_bps / BPS

    def allows(self, unresolved: int, *, people: int) -> bool:
        """Whether a lot is judged of which so many people stayed open."""
        return unresolved <= Fraction(self.open_max_bps, BPS) * people

    @classmethod
    def start(cls, bps: int, *, open_max_bps: int) -> Self:
        """The value that holds until enough lots of the vertical are decided."""
        return cls(reached=bps, people=BPS, lots=0, open_max_bps=open_max_bps)

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> Self:
        """Read the form that a sample and the public record keep."""
        return cls(**data)

    def to_json(self) -> dict[str, int]:
        """The form that `from_json` reads."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who was reached, by position in the draw order, and what is usual."""

    norm: ReachNorm
    reached: Sequence[bool]


@dataclass(frozen=True, slots=True)
class ReachFound:
    """What the gate found among the people of the deciding look."""

    norm: ReachNorm
    reached: int
    people: int
    is_whole: bool  # a look that a rejection cut short is not tested: dead numbers answer first

    @property
    def p_value(self) -> float | None:
        """P(at most so many reached | the norm), exact (binomial); None where nothing is tested."""
        if not self.is_whole:
            return None
        return binomial_cdf(self.reached, share=self.norm.share, drawn=self.people)

    @property
    def passes(self) -> bool:
        """Whether so few are no surprise at a level of 1 %."""
        return self.p_value is None or self.p_value > ALPHA

    def to_json(self) -> dict[str, Any]:  # Any: JSON values
        """How it is published."""
        return {
            "reached": self.reached,
            "people": self.people,
            "norm": self.norm.share,
            "norm_people": self.norm.people if self.norm.lots else 0,
            "norm_lots": self.norm.lots,
            "open_max": self.norm.open_max,
            "p_value": self.p_value,
            "alpha": float(ALPHA),
            "passes": self.passes,
        }


def counts_as_reached(code: str | None) -> bool:
    """Whether the answer behind a concluded check came from somebody, or from the line itself.

    Only people whom every attempt of the policy failed to reach were not. Who asked for another
    time or to be left alone has answered; who was taken off the lists before the call was not
    tried and is no sign of a bad source; a dead number is a defect, which the other gate counts.
    """
    return code != Outcome.NOT_REACHED
