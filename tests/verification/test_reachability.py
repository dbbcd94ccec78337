"""The second gate: who counts as reached, the exact test, the norm and how it is published."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from exchange.catalog.scripts import Outcome
from exchange.core.db import db, get
from exchange.leads.models import Batch
from exchange.verification import queries
from exchange.verification.judging import judge
from exchange.verification.models import (
    OutcomeClass,
    Sample,
    SampleStatus,
    TaskStatus,
    VerificationTask,
)
from exchange.verification.plans import plan_for
from exchange.verification.reachability import (
    ALPHA,
    NORM_PEOPLE_MIN,
    Reach,
    ReachFound,
    ReachNorm,
    counts_as_reached,
)
from exchange.verification.records import check_record
from exchange.verification.services import inspections, samples
from tests.cast import Cast
from tests.factories.catalog import make_vertical
from tests.verification.support import everybody, inspection_at, make_sample, these, work

GOOD, OPEN = OutcomeClass.GOOD, OutcomeClass.OPEN
USUAL = ReachNorm(reached=900, people=1_000, lots=10)


def at_most(reached: int, *, people: int, norm: Fraction) -> Fraction:
    """P(at most so many reached), in whole numbers."""
    return sum(
        (comb(people, k) * norm**k * (1 - norm) ** (people - k) for k in range(reached + 1)),
        Fraction(0),
    )


class TestTheTest:
    @pytest.mark.parametrize("people", [22, 36, 92])
    def test_agrees_with_exact_fractions_for_every_count(self, people: int) -> None:
        for reached in range(people + 1):
            exact = at_most(reached, people=people, norm=Fraction(9, 10))
            found = ReachFound(USUAL, reached, people, is_whole=True)
            assert found.p_value == pytest.approx(float(exact), abs=1e-9)
            assert found.passes is (exact > ALPHA)

    def test_fails_a_usual_lot_with_at_most_one_percent(self) -> None:
        norm, people = Fraction(9, 10), 22
        failing = [
            reached
            for reached in range(people + 1)
            if not ReachFound(USUAL, reached, people, is_whole=True).passes
        ]
        assert failing == list(range(max(failing) + 1))
        assert at_most(max(failing), people=people, norm=norm) <= ALPHA
        assert at_most(max(failing) + 1, people=people, norm=norm) > ALPHA

    def test_says_nothing_of_a_look_that_a_rejection_cut_short(self) -> None:
        found = ReachFound(USUAL, 0, 10, is_whole=False)
        assert (found.p_value, found.passes) == (None, True)

    @pytest.mark.parametrize("code", list(Outcome))
    def test_only_who_was_never_reached_counts_as_such(self, code: Outcome) -> None:
        assert counts_as_reached(code.value) is (code is not Outcome.NOT_REACHED)


class TestJudgement:
    def judged(self, reached: int) -> SampleStatus:
        """A lot of 1,000 whose first 22 are all good or open, so many of them reached."""
        outcomes = [GOOD] * reached + [OPEN] * (22 - reached) + [None] * 70
        heard = [position < reached for position in range(92)]
        plan = plan_for(1_000, "standard")
        return judge(plan, outcomes, reach=Reach(USUAL, heard)).status

    def test_is_undecided_below_the_norm_though_defects_pass(self) -> None:
        # P(X <= 15 | 22, 0.9) = 0.44 %, P(X <= 16) = 1.82 %: 15 of 22 are more than three of five.
        assert self.judged(15) is SampleStatus.UNDECIDED
        assert self.judged(16) is SampleStatus.ACCEPTED

    def test_without_a_norm_only_the_share_of_open_ones_counts(self) -> None:
        outcomes = [GOOD] * 15 + [OPEN] * 7 + [None] * 70
        assert judge(plan_for(1_000, "standard"), outcomes).status is SampleStatus.ACCEPTED


class TestOpenShare:
    """How many may stay open is a term of the vertical, frozen with the norm (record 0038)."""

    def judged(self, unresolved: int, **terms: int) -> SampleStatus:
        norm = ReachNorm(reached=1, people=10_000, lots=0, **terms)
        outcomes = [GOOD] * (22 - unresolved) + [OPEN] * unresolved + [None] * 70
        heard = [outcome is GOOD for outcome in outcomes]
        return judge(plan_for(1_000, "standard"), outcomes, reach=Reach(norm, heard)).status

    @pytest.mark.parametrize(("terms", "most"), [({}, 8), ({"open_max_bps": 6_500}, 14)])
    def test_more_than_the_terms_allow_is_undecided(self, terms: dict[str, int], most: int) -> None:
        assert self.judged(most, **terms) is SampleStatus.ACCEPTED
        assert self.judged(most + 1, **terms) is SampleStatus.UNDECIDED

    def test_a_norm_that_was_kept_before_reads_as_two_of_five(self) -> None:
        assert ReachNorm.from_json({"reached": 9, "people": 10, "lots": 1}).open_max == 0.4

    def test_a_sample_freezes_the_terms_of_its_vertical(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=100)
        assert sample.reach_norm is not None
        assert sample.reach_norm["open_max_bps"] == 4_000


def decide_with(cast: Cast, *, unreached: int, norm: ReachNorm = USUAL) -> Sample:
    """A lot of which so many of the first look are never reached."""
    sample = make_sample(cast.seller, leads=200)
    sample.reach_norm = norm.to_json()
    for position in range(1, 23):
        code = Outcome.NOT_REACHED if position <= unreached else Outcome.CONFIRMED
        outcome = OPEN if position <= unreached else GOOD
        question = inspection_at(sample, position)
        close_call(question.id)
        inspections.conclude(question, outcome=outcome, code=code, actor=cast.admin.actor)
    return samples.advance(sample_id=sample.id, actor=cast.admin.actor)


def close_call(inspection_id: object) -> None:
    """The call that would ask it is off the queue."""
    db.session.query(VerificationTask).filter_by(inspection_id=inspection_id).update(
        {"status": TaskStatus.CANCELLED}
    )


class TestLots:
    def test_a_lot_that_is_reached_too_seldom_is_undecided_and_says_why(self, cast: Cast) -> None:
        sample = decide_with(cast, unreached=7)
        assert (sample.status, sample.reached, sample.bad) == (SampleStatus.UNDECIDED, 15, 0)
        quality = queries.published_quality(sample.batch_id)
        assert quality is not None
        reach = quality["reachability"]
        assert reach is not None
        assert (reach["reached"], reach["people"], reach["norm"]) == (15, 22, 0.9)
        assert (reach["passes"], reach["norm_people"], reach["norm_lots"]) == (False, 1_000, 10)
        exact = at_most(15, people=22, norm=Fraction(9, 10))
        assert reach["p_value"] == pytest.approx(float(exact), abs=1e-9)

    def test_one_more_is_enough(self, cast: Cast) -> None:
        assert decide_with(cast, unreached=6).status is SampleStatus.ACCEPTED

    def test_the_public_record_recomputes_the_gate(self, cast: Cast) -> None:
        sample = decide_with(cast, unreached=7)
        record = queries.public_record(sample.batch_id)
        assert [found for found in check_record(record.header, record.leaves) if found.detail] == []
        forged = {**record.header, "reach_norm": {"reached": 5, "people": 10, "lots": 1}}
        wrong = {f.piece for f in check_record(forged, record.leaves) if f.detail}
        assert wrong == {"decision", "quality"}

    def test_the_norm_is_public_from_the_draw_on(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        batch = get(Batch, sample.batch_id)
        assert queries.draw_so_far(batch)["reach_norm"] == sample.reach_norm


class TestNorm:
    def test_begins_with_the_terms_of_the_vertical(self, cast: Cast) -> None:
        norm = queries.reach_norm(make_vertical().id)
        assert (norm.lots, norm.people) == (0, 10_000)
        assert norm.to_json() == make_sample(cast.seller).reach_norm

    def test_is_the_verticals_own_once_enough_people_were_called(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(Outcome.CONFIRMED))
        assert queries.reach_norm(sample.vertical_id).lots == 0
        sample.n, sample.reached = NORM_PEOPLE_MIN, NORM_PEOPLE_MIN - 100
        found = queries.reach_norm(sample.vertical_id)
        assert (found.reached, found.people, found.lots) == (300, 400, 1)
        sample.n = sample.reached = 22

    def test_leaves_out_lots_that_were_rejected_in_the_middle_of_a_look(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, these({1: Outcome.DENIES, 2: Outcome.DENIES, 3: Outcome.DENIES}))
        assert sample.status is SampleStatus.REJECTED
        sample.n, sample.reached = 3, 3
        assert queries.reach_norm(sample.vertical_id).lots == 0

    def test_of_a_sample_is_not_moved_by_what_is_decided_meanwhile(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        before = dict(sample.reach_norm or {})
        other = make_sample(cast.other_seller)
        work(cast.verifier, everybody(Outcome.CONFIRMED))
        assert other.status is SampleStatus.ACCEPTED
        assert sample.reach_norm == before


class TestThreeNumbers:
    def test_stand_beside_the_bound(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1_000)
        work(cast.verifier, these(dict.fromkeys(range(1, 5), Outcome.DO_NOT_CALL)))
        quality = queries.published_quality(sample.batch_id)
        assert quality is not None
        shares = quality["open_cases"]
        assert shares is not None
        assert (shares["none_bad"], shares["resolved"]) == (0.0, 0.0)
        assert shares["all_bad"] == 4 / 22
        assert shares["lower"] == 0.0
        assert shares["upper"] is not None
        assert shares["upper"] > 4 / 22

    def test_have_no_bounds_after_a_rejection_in_the_middle_of_a_look(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(Outcome.DENIES), calls=3)
        quality = queries.published_quality(sample.batch_id)
        assert quality is not None
        shares = quality["open_cases"]
        assert shares is not None
        assert (shares["none_bad"], shares["lower"], shares["upper"]) == (1.0, None, None)
