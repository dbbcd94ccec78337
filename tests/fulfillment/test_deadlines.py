"""Deadlines: a day of legal calling time, never more than three days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from exchange.catalog.calling import CallingHours
from exchange.catalog.schemas import load_preset
from exchange.fulfillment.deadlines import AT_MOST, CALLING_TIME, decide_by

ZONE = "America/New_York"
ROUND_THE_CLOCK = CallingHours.from_json(
    {day: [["00:00", "23:59"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
)
NEVER = CallingHours.from_json({})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def test_a_day_of_calling_time_where_calls_are_always_legal():
    decided = decide_by(at("2026-11-18 10:00"), hours=ROUND_THE_CLOCK, time_zone=ZONE)
    assert timedelta(hours=24) <= decided - at("2026-11-18 10:00") <= timedelta(hours=24, minutes=2)


def test_nights_do_not_count():
    hours = load_preset("home_improvement_us").terms.calling_hours  # 9 to 20 on working days
    decided = decide_by(at("2026-11-16 09:00"), hours=hours, time_zone=ZONE)
    assert decided == at("2026-11-18 11:00")  # 11 + 11 + 2 hours


def test_a_weekend_never_makes_it_longer_than_three_days():
    hours = load_preset("home_improvement_us").terms.calling_hours
    asked = at("2026-11-20 19:00")  # a Friday evening: 1 + 7 + 0 + 11 hours until Monday's end
    assert decide_by(asked, hours=hours, time_zone=ZONE) == asked + AT_MOST


def test_without_any_legal_hour_three_days():
    asked = at("2026-11-20 19:00")
    assert decide_by(asked, hours=NEVER, time_zone=ZONE) == asked + AT_MOST


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
verticals = st.sampled_from(
    [load_preset(code) for code in ("home_improvement_us", "car_insurance_ru", "mortgage_es")]
)


@given(moments, verticals)
def test_between_one_day_and_three(asked, vertical):
    hours = vertical.terms.calling_hours
    decided = decide_by(asked, hours=hours, time_zone=vertical.time_zone)
    assert CALLING_TIME <= decided - asked <= AT_MOST
