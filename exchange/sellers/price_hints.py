"""What the record of a source makes of the price that is paid in its vertical, part by part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from exchange.core.money import Money
from exchange.verification import queries as verification
from exchange.verification.queries import Cell
from exchange.verification.reputation import Reputation


@dataclass(frozen=True, slots=True)
class PriceHint:
    """A price with its parts: paid x share that is sound x certainty. A hint, never a rule."""

    paid: Money  # median of the vertical
    sound: float  # 1 - E[p]
    certainty: float  # 1 - (q90 - E[p]) / 2
    is_new: bool  # the source: its parts are the vertical's

    @property
    def price(self) -> Money:
        """The hint, rounded down to the minor unit."""
        return Money(int(self.paid.amount * self.sound * self.certainty), self.paid.currency)


def price_hint(paid: Money, standing: Reputation) -> PriceHint:
    """The hint for a source with this record, where such a price is paid."""
    return PriceHint(paid, standing.sound_share, standing.certainty, standing.is_new)


def hints_for(paid: Mapping[Cell, Money | None]) -> dict[Cell, PriceHint]:
    """Hints for sources, given the median that is paid; none where too little was sold."""
    known: Collection[Cell] = [cell for cell, price in paid.items() if price is not None]
    standings = verification.reputations(known)
    return {
        cell: price_hint(price, standings[cell])
        for cell, price in paid.items()
        if price is not None
    }
