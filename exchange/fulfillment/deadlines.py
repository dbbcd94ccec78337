"""When a return is decided at the latest, and how long a decision can be objected to. Pure.

A day of legal calling time, because the person may have to be called; never more than 72 hours,
however many days without a legal hour lie in between (decision 47).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from exchange.catalog.calling import CallingHours

CALLING_TIME: Final = timedelta(hours=24)
AT_MOST: Final = timedelta(hours=72)
CONTEST_TIME: Final = timedelta(hours=72)  # the seller may object for so long
DELIVERY_TIME: Final = timedelta(hours=24)  # decision 46


def decide_by(asked_at: datetime, *, hours: CallingHours, time_zone: str) -> datetime:
    """The moment after which the silence of the exchange decides for the buyer."""
    called = hours.after_open_time(asked_at, CALLING_TIME, time_zone=time_zone)
    latest = asked_at + AT_MOST
    return latest if called is None else min(called, latest)
