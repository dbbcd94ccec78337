"""The periods in which a contract counts what it takes, and when what limits it is over. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from exchange.market.contract_terms import Caps, Period, Terms, period_start

Starts = Mapping[Period, datetime]
Used = tuple[int, int]  # leads, and minor units
NOTHING: Final[Used] = (0, 0)
# From the first day of a period into the next one.
DAYS: Final = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 32}
NOON: Final = time(12)  # is inside a day whatever its clock does at night


@lru_cache(maxsize=1_024)
def starts(time_zone: str, moment: datetime) -> Starts:
    """Where each period that holds the moment began, by the contract's clock."""
    return {period: period_start(period, moment, time_zone=time_zone) for period in Period}


def leads_left(caps: Caps, used: Mapping[Period, Used]) -> int | None:
    """How many leads the caps allow yet; None: no end."""
    left = [cap - used.get(period, NOTHING)[0] for period, cap in caps.leads.items()]
    return min(left, default=None)


def amount_left(caps: Caps, used: Mapping[Period, Used]) -> int | None:
    """How much money the caps allow yet, in minor units; None: no end."""
    left = [cap - used.get(period, NOTHING)[1] for period, cap in caps.amount.items()]
    return min(left, default=None)


def next_start(period: Period, moment: datetime, *, time_zone: str) -> datetime | None:
    """When the period after the one that holds the moment begins; None: never."""
    if period is Period.TOTAL:
        return None
    begun = period_start(period, moment, time_zone=time_zone)
    if period is Period.HOUR:
        return begun + timedelta(hours=1)
    zone = ZoneInfo(time_zone)
    day = begun.astimezone(zone).date() + timedelta(days=DAYS[period])
    inside = datetime.combine(day, NOON, zone)
    return period_start(period, inside, time_zone=time_zone)


def over_at(terms: Terms, used: Mapping[Period, Used], moment: datetime, *, price: int) -> datetime:
    """When every cap that is full now has a new period; the moment itself where none is full."""
    full = [
        period
        for period in terms.caps.periods
        if _is_full(terms.caps, period, used.get(period, NOTHING), price=price)
    ]
    ends = [next_start(period, moment, time_zone=terms.time_zone) for period in full]
    return max((end for end in ends if end is not None), default=moment)


def opens_at(terms: Terms, moment: datetime) -> datetime | None:
    """When the schedule takes leads again; None: never."""
    return min(_openings(terms, moment), default=None)


def _openings(terms: Terms, moment: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(terms.time_zone)
    today = moment.astimezone(zone).date()
    for ahead in range(9):
        day = today + timedelta(days=ahead)
        for span in terms.schedule:
            begins = datetime.combine(day, span.begins, zone)
            if day.weekday() in span.days and begins > moment:
                yield begins


def _is_full(caps: Caps, period: Period, used: Used, *, price: int) -> bool:
    leads, amount = caps.leads.get(period), caps.amount.get(period)
    return (leads is not None and used[0] >= leads) or (
        amount is not None and used[1] + price > amount
    )
