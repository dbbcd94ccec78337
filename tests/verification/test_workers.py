"""Figures of those who check: exact where a number is promised."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb
from random import Random

import pytest

from exchange.catalog.scripts import Outcome
from exchange.verification.models import OutcomeClass
from exchange.verification.sampling import Decision
from exchange.verification.training import cards, lessons
from exchange.verification.workers import (
    BAD_SHARE_MAX,
    BAD_SHARE_MIN,
    EXAM_SIZE,
    PRACTICE_SIZE,
    Accuracy,
    Answered,
    Share,
    exam_chance,
    gold_rate,
    is_right,
    is_too_fast,
    judge_errors,
    judge_exam,
    wants_bad,
)
from tests.factories.catalog import definition_of, make_vertical

GOOD = [code.value for code in (Outcome.CONFIRMED, Outcome.CORRECTED)]
BAD = [code.value for code in (Outcome.NUMBER_DEAD, Outcome.DENIES, Outcome.WRONG_PERSON)]


class TestShare:
    def test_of_nothing_is_none(self) -> None:
        assert (Share(0, 0).value, Share(0, 0).interval) == (None, None)

    @pytest.mark.parametrize(("hits", "n"), [(57, 60), (0, 20), (20, 20), (1, 3)])
    def test_interval_leaves_two_and_a_half_percent_on_each_side(self, hits: int, n: int) -> None:
        interval = Share(hits, n).interval
        assert interval is not None
        lower, upper = (Fraction(bound) for bound in interval)
        tail = Fraction("0.025")
        if hits:
            assert abs(sum(_pmf(k, n, lower) for k in range(hits, n + 1)) - tail) < 1e-9
        if hits < n:
            assert abs(sum(_pmf(k, n, upper) for k in range(hits + 1)) - tail) < 1e-9

    def test_figures_are_of_their_own_kind_of_call(self) -> None:
        found = Accuracy.of(
            [Answered(OutcomeClass.BAD, True)] * 3
            + [Answered(OutcomeClass.BAD, False)]
            + [Answered(OutcomeClass.GOOD, True)] * 6
        )
        assert (found.sensitivity, found.specificity) == (Share(3, 4), Share(6, 6))
        assert found.right == Share(9, 10)


class TestRight:
    @pytest.mark.parametrize(
        ("code", "right", "is_answered", "expected"),
        [
            (Outcome.DENIES, BAD, False, True),  # another word for bad
            (Outcome.CONFIRMED, BAD, False, False),
            (Outcome.CORRECTED, GOOD, True, True),
            (Outcome.NOT_REACHED, GOOD, False, None),  # they may have been out
            (Outcome.NOT_REACHED, GOOD, True, False),  # nobody who says so has called
            (Outcome.DO_NOT_CALL, GOOD, True, False),
            (Outcome.CANNOT_JUDGE, BAD, True, False),
        ],
    )
    def test_by_what_is_known(
        self, code: Outcome, right: list[str], is_answered: bool, expected: bool | None
    ) -> None:
        assert is_right(code, right=right, is_answered=is_answered) is expected


class TestErrors:
    def test_three_of_the_first_twenty_two_stop(self) -> None:
        assert judge_errors([True, True]).decision is Decision.CONTINUE
        assert judge_errors([True, False, True, True]).decision is Decision.REJECT

    def test_a_run_that_is_passed_begins_anew(self) -> None:
        passed = judge_errors([False] * 22)
        assert (passed.decision, passed.n, passed.errors) == (Decision.CONTINUE, 0, 0)
        # Two errors of before do not count any more.
        again = judge_errors([False] * 22 + [True, True])
        assert (again.decision, again.n, again.errors) == (Decision.CONTINUE, 2, 2)

    @pytest.mark.parametrize(("share", "low", "high"), [(0.03, 0.0, 0.05), (0.15, 0.95, 1.0)])
    def test_the_first_run_keeps_the_two_risks(self, share: float, low: float, high: float) -> None:
        random = Random(20)
        runs, stopped = 3_000, 0
        for _ in range(runs):
            stopped += _first_run_stops(random, share)
        # Three standard errors of a share of 5 %.
        assert low - 0.012 <= stopped / runs <= high + 0.012


class TestExam:
    def test_is_decided_when_all_are_answered(self) -> None:
        assert judge_exam([True] + [False] * (EXAM_SIZE - 2)) is Decision.CONTINUE
        assert judge_exam([False] * EXAM_SIZE) is Decision.ACCEPT
        assert judge_exam([True] + [False] * (EXAM_SIZE - 1)) is Decision.REJECT

    def test_somebody_at_fifteen_percent_passes_with_less_than_five(self) -> None:
        exact = Fraction(85, 100) ** EXAM_SIZE
        assert exam_chance(0.15) == pytest.approx(float(exact), abs=1e-12)
        assert exact < Fraction(5, 100)

    def test_one_error_could_not_be_allowed(self) -> None:
        with_one = Fraction(85, 100) ** 20 + 20 * Fraction(15, 100) * Fraction(85, 100) ** 19
        assert with_one > Fraction(5, 100)


class TestRate:
    @pytest.mark.parametrize(
        ("answered", "rate"),
        [(0, 0.10), (39, 0.10), (40, 0.05), (179, 0.05), (180, 0.02), (9_999, 0.02)],
    )
    def test_falls_with_what_is_known(self, answered: int, rate: float) -> None:
        assert gold_rate(answered) == rate

    def test_the_mix_stays_within_its_bounds_whatever_the_dice(self) -> None:
        for dice in product((0.0, 0.99), repeat=12):
            bad = 0
            for n, thrown in enumerate(dice):
                bad += wants_bad(bad=bad, n=n, dice=thrown)
                size = n + 1
                assert int(BAD_SHARE_MIN * size) <= bad <= -(-size * BAD_SHARE_MAX // 1)

    def test_bad_ones_are_two_in_five(self) -> None:
        random, bad = Random(3), 0
        for n in range(2_000):
            bad += wants_bad(bad=bad, n=n, dice=random.random())
        assert 0.38 < bad / 2_000 < 0.42


class TestHaste:
    def test_is_a_matter_of_talks(self) -> None:
        assert is_too_fast(Outcome.CONFIRMED, seconds=9)
        assert not is_too_fast(Outcome.CONFIRMED, seconds=10)
        assert not is_too_fast(Outcome.NUMBER_DEAD, seconds=1)


class TestTraining:
    def test_every_outcome_is_shown_with_its_sound(self, app: object) -> None:
        script = definition_of(make_vertical()).script_in("")
        shown = lessons(script)
        assert [lesson.code for lesson in shown] == list(Outcome)
        assert all(lesson.example and lesson.name for lesson in shown)

    def test_practice_asks_each_outcome_in_an_order_of_ones_own(self, app: object) -> None:
        script = definition_of(make_vertical()).script_in("")
        mine = cards(script, seed="mine")
        assert len(mine) == PRACTICE_SIZE
        assert {card.right for card in mine} == set(Outcome)
        assert mine == cards(script, seed="mine")
        assert mine != cards(script, seed="another's")
        assert all(card.said in script.planted[card.right] for card in mine)


def _pmf(k: int, n: int, share: Fraction) -> Fraction:
    return comb(n, k) * share**k * (1 - share) ** (n - k)


def _first_run_stops(random: Random, share: float) -> bool:
    errors: list[bool] = []
    while True:
        errors.append(random.random() < share)
        run = judge_errors(errors)
        if run.decision is Decision.REJECT:
            return True
        if run.n == 0:
            return False
