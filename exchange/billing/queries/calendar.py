"""When pending money becomes payable: billing does not know, so the package that does registers.

Return windows are a matter of what was bought; billing knows the money and nothing of leads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.core.money import Money


@dataclass(frozen=True, slots=True)
class PendingDay:
    """What of a seller's pending money is free on a day if nothing is returned until then."""

    until: datetime  # the last return window of that day
    amount: Money
    sales: int


Calendar = Callable[[UUID], Sequence[PendingDay]]
_CALENDARS: list[Calendar] = []


def pending_calendar(calendar: Calendar) -> Calendar:
    """Register a query that gives the days of a seller's pending money."""
    _CALENDARS.append(calendar)
    return calendar


def pending_days(seller_id: UUID) -> list[PendingDay]:
    """The days on which a seller's pending money becomes free, the next one first."""
    days = [day for calendar in _CALENDARS for day in calendar(seller_id)]
    return sorted(days, key=lambda day: day.until)
