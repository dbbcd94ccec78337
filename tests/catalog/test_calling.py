"""When people may be called: hours, holidays, daylight saving, and time that counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.catalog.calling import CallingHours

HOURS = CallingHours.from_json(
    {
        **{day: [["09:00", "14:00"], ["15:30", "20:00"]] for day in ("mon", "tue", "wed", "thu")},
        "fri": [["09:00", "12:00"]],
        "closed_on": ["12-25"],
    }
)
MADRID = "Europe/Madrid"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_hours_are_written_as_they_are_read():
    assert CallingHours.from_json(HOURS.to_json()) == HOURS


@pytest.mark.parametrize(
    ("moment", "answer"),
    [
        ("2026-11-23T08:00+01:00", False),
        ("2026-11-23T09:00+01:00", True),
        ("2026-11-23T13:59+01:00", True),
        ("2026-11-23T14:00+01:00", False),
        ("2026-11-23T18:59+00:00", True),
        ("2026-11-23T19:00+00:00", False),
        ("2026-07-06T07:30+00:00", True),  # summer time
        ("2026-11-28T10:00+01:00", False),  # Saturday
        ("2026-12-25T10:00+01:00", False),  # Friday, a holiday
    ],
)
def test_calling_is_allowed_by_the_local_clock(moment, answer):
    assert HOURS.is_open(at(moment), time_zone=MADRID) is answer


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23T10:17+01:00", "2026-11-23T09:17+00:00"),
        ("2026-11-23T14:10+01:00", "2026-11-23T14:30+00:00"),
        ("2026-11-27T13:00+01:00", "2026-11-30T08:00+00:00"),
        ("2026-12-24T21:00+01:00", "2026-12-28T08:00+00:00"),
    ],
)
def test_the_next_open_moment_skips_nights_weekends_and_holidays(moment, opens):
    assert HOURS.next_open(at(moment), time_zone=MADRID) == at(opens)


def test_no_hours_never_open():
    never = CallingHours.from_json({})
    assert never.next_open(at("2026-11-23T10:00+00:00"), time_zone="UTC") is None
    assert (
        never.after_open_time(at("2026-11-23T10:00+00:00"), timedelta(1), time_zone="UTC") is None
    )


def test_24_hours_of_calling_time_take_from_monday_to_wednesday():
    start = at("2026-11-23T07:00+01:00")
    # 9.5 hours on Monday and on Tuesday, 5 more on Wednesday.
    due = HOURS.after_open_time(start, timedelta(hours=24), time_zone=MADRID)
    assert due == at("2026-11-25T14:00+01:00")


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.integers(1, 4_000),
    st.integers(1, 4_000),
)
def test_calling_time_adds_up(start, first, second):
    def after(moment: datetime, minutes: int) -> datetime | None:
        return HOURS.after_open_time(moment, timedelta(minutes=minutes), time_zone=MADRID)

    middle = after(start, first)
    assert middle is not None
    assert after(middle, second) == after(start, first + second)
