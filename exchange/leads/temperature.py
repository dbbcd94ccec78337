"""How warm a lead is, by observable facts and not by feeling (pure).

Hot is somebody whom we reached inside a day, or who asked again inside a day. Warm is somebody who
asked inside three days, asked again inside a week, or was reached inside a month. Everybody else
is cold. A lead cools by itself; the facts are given with the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

HOT: Final = timedelta(hours=24)
FRESH: Final = timedelta(hours=72)
AGAIN: Final = timedelta(days=7)
REACHED: Final = timedelta(days=30)


class Temperature(StrEnum):
    HOT = "hot"
    WARM = "warm"
    COLD = "cold"


class Because(StrEnum):
    """The fact that decided."""

    REACHED = "reached"  # confirmed by a call of ours
    ASKED_AGAIN = "asked_again"
    ASKED = "asked"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Warmth:
    """The word, the fact behind it, and until when it holds if nothing happens."""

    value: Temperature
    because: Because
    until: datetime | None  # None: it gets no colder


def temperature(
    *,
    requested_at: datetime,
    asks: int,
    last_asked_at: datetime | None,
    checked_at: datetime | None,
    now: datetime,
) -> Warmth:
    """The warmth of a lead at this moment; the first rule that holds decides."""
    asked_at = max(requested_at, last_asked_at or requested_at)
    again_at = asked_at if asks > 1 else None
    rules = (
        (Temperature.HOT, Because.REACHED, checked_at, HOT),
        (Temperature.HOT, Because.ASKED_AGAIN, again_at, HOT),
        (Temperature.WARM, Because.ASKED_AGAIN, again_at, AGAIN),
        (Temperature.WARM, Because.ASKED, asked_at, FRESH),
        (Temperature.WARM, Because.REACHED, checked_at, REACHED),
    )
    for value, because, since, span in rules:
        if since is not None and now < since + span:
            return Warmth(value, because, since + span)
    return Warmth(Temperature.COLD, Because.OLD, None)
