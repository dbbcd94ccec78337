"""A price that falls with age: the same part of what it began at, each day, down to a floor. Pure.

A falling price is never worked out for a buyer: a job writes each step as a new version of the
listing's terms, so that what a page says is what is paid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Self

from exchange.core.money import BASIS_POINTS, Currency, Money

DAY: Final = timedelta(days=1)
BPS_MAX: Final = 5_000  # of the first price a day: in two days to nothing


@dataclass(frozen=True, slots=True)
class Fall:
    """A fall of the price as a seller asks for it."""

    bps: int  # of the price of now, each day
    floor: Money


@dataclass(frozen=True, slots=True)
class Step:
    """From when on a price holds."""

    at: datetime
    price: Money


@dataclass(frozen=True, slots=True)
class Decay:
    """How the price of a listing falls."""

    start: Money
    bps: int  # of the start, each day
    floor: Money  # at least so much is always asked
    since: datetime | None = None  # None: the listing was not on sale yet

    @classmethod
    def from_json(cls, data: Mapping[str, Any], currency: Currency) -> Self | None:
        """As a listing stores it; None where the price stays."""
        if not data:
            return None
        since = data["since"] and datetime.fromisoformat(data["since"])
        start, floor = Money(data["start"], currency), Money(data["floor"], currency)
        return cls(start, data["bps"], floor, since)

    def to_json(self) -> dict[str, Any]:
        """The form in which a listing stores it."""
        since = self.since and self.since.isoformat()
        return {
            "start": self.start.amount, "bps": self.bps, "floor": self.floor.amount, "since": since,
        }  # fmt: skip

    def begin(self, now: datetime) -> Decay:
        """The same, counted from the first moment on sale."""
        return self if self.since else replace(self, since=now)

    def price_at(self, now: datetime) -> Money:
        """The price after as many whole days as have passed."""
        return self._after((now - self.since) // DAY if self.since else 0)

    def steps(self, now: datetime) -> Iterator[Step]:
        """Every fall that is still to come, until the floor is reached; none before the sale."""
        if self.since is None:
            return
        day, price = (now - self.since) // DAY, self.price_at(now)
        while price > self.floor:
            day += 1
            price = self._after(day)
            yield Step(self.since + day * DAY, price)

    def next_step(self, now: datetime) -> Step | None:
        """The next fall; None at the floor or before the sale."""
        return next(self.steps(now), None)

    def next_steps(self, now: datetime, most: int) -> list[Step]:
        """The next falls, so many at most."""
        return list(islice(self.steps(now), most))

    def _after(self, days: int) -> Money:
        left = max(BASIS_POINTS - self.bps * days, 0)
        return max(self.floor, self.start.share(left))
