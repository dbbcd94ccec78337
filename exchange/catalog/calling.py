"""When people may be called, and how often: legal hours of a vertical and its attempts policy.

Hours are local: of the person's region where it is known, else of the vertical.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEARCH_DAYS = 366  # a year without one open hour is no calendar

Span = tuple[time, time]


@dataclass(frozen=True, slots=True)
class AttemptsPolicy:
    """How often a person is tried before the check stays open (decision 33)."""

    decision_attempts: int  # these decide a look ...
    decision_hours: int  # ... inside so many hours of legal calling time
    attempts_max: int
    days_max: int
    per_day_max: int
    day_parts_min: int  # morning, midday, late afternoon: how many different ones are tried
    open_share_max_bps: int = 4_000  # a lot of which more stay open is undecided


@dataclass(frozen=True, slots=True)
class CallingHours:
    """Spans of local time per weekday, Monday first, and days of the year without calls."""

    days: tuple[tuple[Span, ...], ...]
    closed_on: tuple[tuple[int, int], ...] = ()  # month and day: holidays on a fixed date

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:  # Any: JSON of the definition's shape
        """Read `{"mon": [["09:00", "20:00"]], ..., "closed_on": ["01-01"]}`."""
        days = tuple(
            tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in data.get(day, []))
            for day in WEEKDAYS
        )
        closed = [tuple(map(int, text.split("-"))) for text in data.get("closed_on", [])]
        return cls(days, tuple((month, day) for month, day in closed))

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form that `from_json` reads."""
        spans = ([[f"{start:%H:%M}", f"{end:%H:%M}"] for start, end in day] for day in self.days)
        closed = [f"{month:02}-{day:02}" for month, day in self.closed_on]
        return {**dict(zip(WEEKDAYS, spans, strict=True)), "closed_on": closed}

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """The open spans of a day, in order."""
        if (day.month, day.day) in self.closed_on:
            return ()
        return self.days[day.weekday()]

    def is_open(self, moment: datetime, *, time_zone: str) -> bool:
        """Whether calling is allowed at the moment, where the clock shows `time_zone`."""
        local = moment.astimezone(ZoneInfo(time_zone))
        return any(start <= local.time() < end for start, end in self.spans_on(local.date()))

    def next_open(self, moment: datetime, *, time_zone: str) -> datetime | None:
        """The first moment from now on at which calling is allowed; None within a year."""
        for start, _ in self._spans_from(moment, time_zone):
            return start
        return None

    def after_open_time(
        self, moment: datetime, span: timedelta, *, time_zone: str
    ) -> datetime | None:
        """The moment at which `span` of legal calling time has passed; None within a year."""
        left = span
        for start, end in self._spans_from(moment, time_zone):
            if end - start >= left:
                return start + left
            left -= end - start
        return None

    def _spans_from(self, moment: datetime, time_zone: str) -> Iterator[tuple[datetime, datetime]]:
        """Open spans in UTC, the one that runs already cut at the moment."""
        zone = ZoneInfo(time_zone)
        first = moment.astimezone(zone).date()
        for number in range(SEARCH_DAYS):
            day = first + timedelta(days=number)
            for opens, closes in self.spans_on(day):
                start = datetime.combine(day, opens, zone).astimezone(UTC)
                end = datetime.combine(day, closes, zone).astimezone(UTC)
                if end > moment:
                    yield max(start, moment.astimezone(UTC)), end
