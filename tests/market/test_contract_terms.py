"""What a contract asks, as values: its clock, its schedule, and the way to JSON and back."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from exchange.catalog.criteria import All, Between, In
from exchange.catalog.policies import QualityClass
from exchange.leads.models import LeadKind
from exchange.market import queries
from exchange.market.contract_terms import (
    ActionTerms,
    Caps,
    Opening,
    PastDue,
    Period,
    Radius,
    Terms,
    period_start,
)
from tests.cast import Cast
from tests.factories.contracts import make_contract

NEW_YORK = "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "moment", "start"),
    [
        (Period.HOUR, "2026-03-08T07:30", "2026-03-08T07:00"),
        (Period.DAY, "2026-03-08T07:30", "2026-03-08T05:00"),  # clocks go forward: 23 hours
        (Period.DAY, "2026-03-09T04:00", "2026-03-09T04:00"),
        (Period.DAY, "2026-03-09T03:59", "2026-03-08T05:00"),
        (Period.HOUR, "2026-11-01T05:30", "2026-11-01T05:00"),  # the hour from one to two ...
        (Period.HOUR, "2026-11-01T06:30", "2026-11-01T06:00"),  # ... and once more
        (Period.DAY, "2026-11-02T04:59", "2026-11-01T04:00"),  # 25 hours
        (Period.WEEK, "2026-11-01T12:00", "2026-10-26T04:00"),
        (Period.MONTH, "2026-11-30T12:00", "2026-11-01T04:00"),
        (Period.TOTAL, "2026-11-30T12:00", "1970-01-01T00:00"),
    ],
)
def test_a_period_begins_by_the_clock_of_the_contract(
    period: Period, moment: str, start: str
) -> None:
    assert period_start(period, at(moment), time_zone=NEW_YORK) == at(start)


def test_the_schedule_follows_the_local_clock_and_has_prices() -> None:
    weekdays = Opening(frozenset(range(5)), time(9), time(18))
    evening = Opening(frozenset({4}), time(18), time(), price=900)
    terms = Terms(time_zone=NEW_YORK, schedule=(weekdays, evening))
    assert terms.is_open(at("2026-11-20T14:00"))
    assert not terms.is_open(at("2026-11-20T13:59"))
    assert terms.price_at(at("2026-11-20T22:59"), price=700) == 700
    assert terms.price_at(at("2026-11-20T23:00"), price=700) == 900
    assert not terms.is_open(at("2026-11-21T05:00"))  # Saturday began


def test_terms_come_back_from_the_table_as_they_were(cast: Cast) -> None:
    asked: dict[str, Any] = {  # Any: parts of terms
        "criteria": All((In("project", ("roofing",)), Between("budget", 100, None))),
        "regions": ("US-OH",),
        "postal_codes": ("43004",),
        "radius": Radius("43004", 30),
        "kinds": (LeadKind.SHARED,),
        "quality_classes": (QualityClass.PRIME,),
        "age_hours_max": 24,
        "bad_upper_max_bps": 900,
        "checked_only": True,
        "sellers_never": ("org_1",),
        "approves_sources": True,
        "caps": Caps(leads={Period.DAY: 3}, amount={Period.TOTAL: 10_000}),
        "schedule": (Opening(frozenset({0, 6}), time(9), time(18, 30), 500),),
        "starts_at": at("2026-11-20T14:00"),
        "trial_leads": 10,
        "action": ActionTerms("signed", past_due=PastDue.REJECT),
    }
    contract = make_contract(cast.buyer, **asked)
    assert queries.terms_of(contract) == Terms(time_zone=NEW_YORK, **asked)


def test_terms_that_ask_for_nothing_say_nothing() -> None:
    assert Terms(time_zone=NEW_YORK).to_json() == {
        "time_zone": NEW_YORK,
        "kinds": ["exclusive", "shared"],
    }
