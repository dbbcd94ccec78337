"""The floor where verifiers call: who is due is called first, in legal hours, by whoever is free.

An event simulation of many lots side by side. Lots are sealed at any time from 8 to 18 o'clock; the
time to sale is counted in hours in which calling is legal, 9 to 20 o'clock every day. There are so
many verifiers that four fifths of their time is taken.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any, Final

from bench.sampling.lots import ATTEMPTS, LotUnderWay, Question
from bench.sampling.people import duration
from exchange.catalog.calling import CallingHours
from exchange.catalog.scripts import Outcome
from exchange.verification.models import OutcomeClass
from exchange.verification.policy import LocalHours, Move
from exchange.verification.services.further import DOUBLED_AFTER

OPENS, CLOSES = time(9), time(20)
DAY_HOURS: Final = 11
HOURS: Final = LocalHours(CallingHours(days=(((OPENS, CLOSES),),) * 7), "UTC")
BEGIN: Final = datetime(2026, 3, 2, tzinfo=UTC)
DOUBLES: Final = 0.10  # of good answers
BUSY: Final = 0.80  # of the verifiers' time


@dataclass(slots=True)
class Floor:
    """So many verifiers, their calls, and the questions that wait."""

    seats: int
    random: Random
    calls: int = 0
    busy: timedelta = timedelta()
    _order: int = 0
    # Any: entries of a heap are compared by their first two or three values.
    _events: list[Any] = field(default_factory=list)
    _ready: list[Any] = field(default_factory=list)

    def run(self, lots: Sequence[LotUnderWay]) -> None:
        """Call until nobody waits any more."""
        for lot in lots:
            self._at(lot.sealed_at, partial(self._open, lot))
        free = self.seats
        while self._events:
            now, _, happens = heapq.heappop(self._events)
            free += happens(now) or 0
            while free and self._ready and not self._is_next_now(now):
                free -= self._begin(heapq.heappop(self._ready)[-1], now)

    def _open(self, lot: LotUnderWay, now: datetime) -> None:
        self._ask(lot.advance(now), now)

    def _is_next_now(self, now: datetime) -> bool:
        """Whether something else happens at this moment, before anybody takes a call."""
        return bool(self._events) and self._events[0][0] == now

    def _at(self, moment: datetime, happens: Callable[[datetime], int | None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (moment, self._order, happens))

    def _ask(self, questions: Sequence[Question], now: datetime) -> None:
        due = HOURS.next_open(now) or now
        for one in questions:
            self._queue(one, due)

    def _queue(self, one: Question, due: datetime) -> None:
        self._at(due, lambda now: self._wait(one, now))

    def _wait(self, one: Question, due: datetime) -> None:
        self._order += 1
        heapq.heappush(self._ready, (due, one.place, self._order, one))

    def _begin(self, one: Question, now: datetime) -> int:
        """Make the call if it is still wanted and allowed; gives how many verifiers it takes."""
        if one.is_dropped:
            return 0
        if not HOURS.is_open(now):
            self._ask([one], now)
            return 0
        code = one.call(self.random)
        took = duration(code)
        self.calls += 1
        self.busy += took
        self._at(now + took, lambda ended: self._hear(one, code, ended))
        return 1

    def _hear(self, one: Question, code: Outcome, now: datetime) -> int:
        """What follows a call; gives the verifier back."""
        step = one.hear(code, now=now, hours=HOURS)
        limits = {
            "calls_today": sum(call >= HOURS.day(now) for call in one.person.calls),
            "per_day_max": ATTEMPTS.per_day_max,
        }
        if step.move is Move.TRY_AGAIN:
            self._queue(one, HOURS.retry_at(now, **limits, confirms=bool(one.said)))
        elif step.move is Move.ASK_ANOTHER:
            self._queue(one, HOURS.ask_another_at(now, **limits))
        elif not one.is_double:
            if one.outcome is OutcomeClass.GOOD and self.random.random() < DOUBLES:
                self._queue(one.again(), HOURS.ask_another_at(now + DOUBLED_AFTER, **limits))
            self._ask(one.lot.advance(now), now)
        return 1


def seats_for(busy: timedelta, *, days: float) -> int:
    """How many verifiers make so much work in so many days, `BUSY` of their time."""
    return max(1, math.ceil(busy / (timedelta(hours=DAY_HOURS) * days * BUSY)))


def working_hours(begin: datetime, end: datetime) -> float:
    """Hours of legal calling time between two moments."""
    return _worked(end) - _worked(begin)


def _worked(moment: datetime) -> float:
    """Hours of legal calling time from the beginning of the simulation."""
    days, rest = divmod(moment - BEGIN, timedelta(days=1))
    opened = rest / timedelta(hours=1) - OPENS.hour
    return days * DAY_HOURS + min(max(opened, 0.0), DAY_HOURS)
