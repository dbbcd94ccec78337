"""What follows a call, by the book: attempts, hours, majorities."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from hashlib import sha256

import pytest

from exchange.catalog.calling import AttemptsPolicy, CallingHours
from exchange.catalog.scripts import Outcome
from exchange.verification.judging import called_ahead
from exchange.verification.models import InspectionPurpose, OutcomeClass
from exchange.verification.plans import HOUSE_RISKS, LX_08, LX_10, LX_15, LX_20, single_plan
from exchange.verification.planted import ENDINGS, truth
from exchange.verification.policy import (
    ANY_HOUR,
    CONFIRMED_BY_ANOTHER,
    LocalHours,
    Move,
    final_class,
    is_doubled,
    is_last_attempt,
    next_step,
    next_try,
)

WEEKDAYS = ((time(9), time(20)),)
MOSCOW = LocalHours(CallingHours(days=(WEEKDAYS,) * 5 + ((), ())), "Europe/Moscow")
POLICY = AttemptsPolicy(
    decision_attempts=3,
    decision_hours=24,
    attempts_max=6,
    days_max=4,
    per_day_max=2,
    day_parts_min=3,
)


def moscow(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in November 2026, where the 16th is a Monday; Moscow is three hours ahead."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=3)


class TestOutcomes:
    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            (Outcome.CONFIRMED, OutcomeClass.GOOD),
            (Outcome.CORRECTED, OutcomeClass.GOOD),
            (Outcome.DENIES, OutcomeClass.BAD),
            (Outcome.WRONG_PERSON, OutcomeClass.BAD),
            (Outcome.NUMBER_DEAD, OutcomeClass.BAD),
            (Outcome.NOT_REACHED, OutcomeClass.OPEN),
            (Outcome.CALL_BACK, OutcomeClass.OPEN),
            (Outcome.DO_NOT_CALL, OutcomeClass.OPEN),
            (Outcome.CANNOT_JUDGE, OutcomeClass.OPEN),
        ],
    )
    def test_have_the_classes_of_the_decision(self, code: Outcome, outcome: OutcomeClass) -> None:
        assert final_class(code) is outcome


GOOD, BAD, OPEN = OutcomeClass.GOOD, OutcomeClass.BAD, OutcomeClass.OPEN


class TestSteps:
    def step(
        self,
        code: Outcome,
        *earlier: OutcomeClass,
        needed: int = 1,
        confirms: bool = False,
        last: bool = False,
    ):
        return next_step(
            code,
            earlier=earlier,
            verdicts_needed=needed,
            confirms_bad=confirms,
            is_last_attempt=last,
        )

    @pytest.mark.parametrize("code", [Outcome.NOT_REACHED, Outcome.CALL_BACK])
    @pytest.mark.parametrize("earlier", [(), (BAD,), (BAD, GOOD)])
    def test_tries_again_until_the_last_attempt(self, code: Outcome, earlier) -> None:
        assert self.step(code, *earlier, confirms=True).move is Move.TRY_AGAIN
        assert self.step(code, *earlier, confirms=True).outcome is None
        last = self.step(code, *earlier, confirms=True, last=True)
        assert (last.move, last.outcome, last.answer) == (Move.CONCLUDE, OPEN, OPEN)

    @pytest.mark.parametrize(
        ("earlier", "code", "expected"),
        [
            # One who is good and nobody who contradicts.
            ((), Outcome.CONFIRMED, GOOD),
            ((), Outcome.CORRECTED, GOOD),
            ((OPEN,), Outcome.CONFIRMED, GOOD),
            # Two of up to three say bad.
            ((), Outcome.DENIES, None),
            ((), Outcome.NUMBER_DEAD, None),
            ((), Outcome.WRONG_PERSON, None),
            ((BAD,), Outcome.DENIES, BAD),
            ((BAD,), Outcome.CONFIRMED, None),
            ((BAD, GOOD), Outcome.DENIES, BAD),
            ((BAD, GOOD), Outcome.CONFIRMED, GOOD),
            ((GOOD,), Outcome.DENIES, None),
            ((GOOD, BAD), Outcome.NUMBER_DEAD, BAD),
            # Who cannot judge judges nothing; the third is the last.
            ((), Outcome.CANNOT_JUDGE, None),
            ((OPEN,), Outcome.CANNOT_JUDGE, OPEN),
            ((BAD,), Outcome.CANNOT_JUDGE, None),
            ((OPEN,), Outcome.DENIES, None),
            ((BAD, OPEN), Outcome.DENIES, BAD),
            ((OPEN, BAD), Outcome.CONFIRMED, OPEN),
            ((BAD, GOOD), Outcome.CANNOT_JUDGE, OPEN),
            # Nobody calls again who is not to be called.
            ((), Outcome.DO_NOT_CALL, OPEN),
            ((BAD,), Outcome.DO_NOT_CALL, OPEN),
        ],
    )
    def test_bad_is_confirmed_by_another(self, earlier, code: Outcome, expected) -> None:
        step = self.step(code, *earlier, confirms=True)
        assert step.answer is expected
        assert step.move is (Move.ASK_ANOTHER if expected is None else Move.CONCLUDE)
        assert step.outcome is final_class(code)

    def test_bad_stands_alone_where_nobody_has_to_confirm_it(self) -> None:
        assert self.step(Outcome.DENIES).answer is BAD

    def test_is_confirmed_for_every_purpose_that_acts_on_a_lead_but_a_return(self) -> None:
        assert set(InspectionPurpose) - CONFIRMED_BY_ANOTHER == {
            InspectionPurpose.RETURN, InspectionPurpose.GOLD,
        }  # fmt: skip

    def test_asks_another_when_nobody_can_judge_and_then_leaves_it_open(self) -> None:
        assert self.step(Outcome.CANNOT_JUDGE).move is Move.ASK_ANOTHER
        second = self.step(Outcome.CANNOT_JUDGE, OPEN)
        assert (second.move, second.outcome) == (Move.CONCLUDE, OPEN)
        assert self.step(Outcome.CONFIRMED, OPEN).move is Move.CONCLUDE

    def test_do_not_call_ends_it_whatever_was_asked(self) -> None:
        assert self.step(Outcome.DO_NOT_CALL, needed=3).move is Move.CONCLUDE

    @pytest.mark.parametrize("needed", [2, 3])
    def test_two_that_agree_settle_it(self, needed: int) -> None:
        assert self.step(Outcome.DENIES, needed=needed).move is Move.ASK_ANOTHER
        assert self.step(Outcome.DENIES, GOOD, needed=needed).move is Move.ASK_ANOTHER
        assert self.step(Outcome.DENIES, GOOD, BAD, needed=needed).move is Move.CONCLUDE


class TestAttempts:
    def last(self, made: int, *, first: datetime, now: datetime) -> bool:
        return is_last_attempt(made, first_at=first, now=now, policy=POLICY, hours=MOSCOW)

    def test_three_decide(self) -> None:
        start = moscow(16, 10)
        assert [self.last(made, first=start, now=start) for made in (1, 2, 3)] == [
            False,
            False,
            True,
        ]

    def test_two_decide_where_somebody_judged_before(self) -> None:
        start = moscow(16, 10)
        call = {"first_at": start, "now": start, "policy": POLICY, "hours": MOSCOW}
        assert [is_last_attempt(made, **call, confirms=True) for made in (1, 2)] == [False, True]

    def test_who_was_reached_before_is_tried_again_soon(self) -> None:
        calls = {"calls_today": 1, "per_day_max": 2, "confirms": True}
        assert MOSCOW.retry_at(moscow(16, 10), **calls) == moscow(16, 11)
        calls["calls_today"] = 2  # nobody is called more often for it
        assert MOSCOW.retry_at(moscow(16, 10), **calls) == moscow(17, 9)

    def test_time_is_counted_in_legal_hours(self) -> None:
        """From Thursday 10:00, 24 legal hours of eleven a day end on Monday at 12:00."""
        start = moscow(19, 10)
        assert not self.last(2, first=start, now=moscow(23, 11, 59))
        assert self.last(2, first=start, now=moscow(23, 12))

    def test_next_try_is_in_another_part_of_the_day(self) -> None:
        due = MOSCOW.retry_at(moscow(16, 10), calls_today=1, per_day_max=2)
        assert due == moscow(16, 14)

    def test_next_try_waits_for_the_morning(self) -> None:
        due = MOSCOW.retry_at(moscow(16, 18), calls_today=1, per_day_max=2)
        assert due == moscow(17, 11)

    def test_day_that_had_its_calls_has_no_more(self) -> None:
        due = MOSCOW.retry_at(moscow(16, 12), calls_today=2, per_day_max=2)
        assert due == moscow(17, 9)

    @pytest.mark.parametrize(
        ("calls", "due"), [(1, moscow(16, 12)), (2, moscow(17, 9)), (3, moscow(17, 9))]
    )
    def test_another_verifier_calls_at_once_or_on_another_day(self, calls: int, due) -> None:
        assert MOSCOW.ask_another_at(moscow(16, 12), calls_today=calls, per_day_max=2) == due

    def test_weekend_is_left_out(self) -> None:
        due = MOSCOW.retry_at(moscow(20, 19, 30), calls_today=2, per_day_max=2)
        assert due == moscow(23, 12, 30)

    def test_where_nobody_is_called_every_hour_is_open(self) -> None:
        anywhere = LocalHours(ANY_HOUR, "Europe/Moscow")
        night = moscow(22, 3)
        assert anywhere.is_open(night)
        assert anywhere.retry_at(night, calls_today=1, per_day_max=2) == night + timedelta(hours=4)


class TestLongerPolicy:
    def due(self, *tried: datetime):
        return next_try(tried, now=tried[-1], policy=POLICY, hours=MOSCOW)

    @pytest.mark.parametrize(
        ("tried", "due"),
        [
            # Another part of the day first: midday after the morning, late after both.
            ([moscow(16, 9)], moscow(16, 13)),
            ([moscow(16, 9), moscow(16, 13)], moscow(17, 16)),
            ([moscow(16, 17)], moscow(17, 10)),
            ([moscow(16, 17), moscow(17, 10)], moscow(17, 14)),
            ([moscow(16, 17), moscow(17, 14)], moscow(18, 9)),
            # Three parts were tried: any will do.
            ([moscow(16, 9), moscow(16, 13), moscow(17, 16)], moscow(18, 9)),
            # Six attempts, four days: no more.
            ([moscow(16, 9)] * 6, None),
            ([moscow(16, 9), moscow(20, 9)], None),
        ],
    )
    def test_tries_in_every_part_of_the_day(self, tried, due) -> None:
        assert self.due(*tried) == due

    def test_never_calls_more_often_in_a_day_than_it_may(self) -> None:
        due = self.due(moscow(16, 9), moscow(16, 10))
        assert due is not None
        assert due >= moscow(17, 9)


class TestDoubling:
    def test_share_is_even_over_hashes(self) -> None:
        digests = [sha256(str(number).encode()).digest()[:16] for number in range(20_000)]
        share = sum(is_doubled(digest, share_bps=1_000) for digest in digests) / len(digests)
        assert share == pytest.approx(0.1, abs=0.01)
        assert not any(is_doubled(digest, share_bps=0) for digest in digests)
        assert all(is_doubled(digest, share_bps=10_000) for digest in digests)


class TestCallingAhead:
    @pytest.mark.parametrize("pattern", [LX_15, LX_10, LX_08, LX_20])
    def test_is_one_look_and_never_more_than_twice_the_coming_one(self, pattern) -> None:
        for stage, coming in enumerate(pattern.looks, start=1):
            upto = called_ahead(pattern, stage=stage)
            assert coming <= upto <= 2 * coming
            assert upto in pattern.looks

    def test_of_a_single_plan_is_the_plan(self) -> None:
        plan = single_plan(50, risks=HOUSE_RISKS)
        assert called_ahead(plan, stage=1) == plan.looks[0]


class TestPlantedTruth:
    def test_is_in_the_last_two_digits(self) -> None:
        assert truth("+16142340000", attempts=0) is Outcome.NUMBER_DEAD
        assert truth("+16142340002", attempts=0) is Outcome.DENIES
        assert truth("+16142340050", attempts=0) is Outcome.CONFIRMED
        assert set(ENDINGS.values()) | {Outcome.CONFIRMED} == set(Outcome)

    def test_who_asked_to_be_called_back_confirms_then(self) -> None:
        assert truth("+16142340004", attempts=0) is Outcome.CALL_BACK
        assert truth("+16142340004", attempts=1) is Outcome.CONFIRMED

    def test_who_does_not_answer_never_does(self) -> None:
        assert {truth("+16142340003", attempts=n) for n in range(3)} == {Outcome.NOT_REACHED}
