"""One call, one verdict: every outcome and what follows from it, and the half minute to undo it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db, save
from exchange.core.errors import Conflict, Invalid, NotFound
from exchange.core.events import Event
from exchange.leads import people
from exchange.leads import queries as leads
from exchange.leads.models import LeadStatus
from exchange.verification import queries
from exchange.verification.models import (
    Inspection,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.services import calls, tasks, verdicts
from tests.cast import Cast, Player
from tests.verification.support import (
    claim,
    claimed,
    everybody,
    inspection_at,
    inspection_of,
    later,
    make_sample,
    report,
    settle,
    take,
    task_at,
    these,
    work,
)


def undo(player: Player, verdict: Verdict) -> VerificationTask:
    return verdicts.undo(verdict_id=verdict.id, actor=player.actor)


def problems(caught: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {problem.pointer: problem.code for problem in caught.value.errors}


class TestOutcomes:
    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            (Outcome.CONFIRMED, OutcomeClass.GOOD),
            (Outcome.CORRECTED, OutcomeClass.GOOD),
            (Outcome.DENIES, OutcomeClass.BAD),
            (Outcome.WRONG_PERSON, OutcomeClass.BAD),
            (Outcome.NUMBER_DEAD, OutcomeClass.BAD),
            (Outcome.DO_NOT_CALL, OutcomeClass.OPEN),
        ],
    )
    def test_conclude_with_their_class(
        self, cast: Cast, code: Outcome, outcome: OutcomeClass
    ) -> None:
        sample = make_sample(cast.seller)
        verdict = settle(cast.verifier, claimed(cast.verifier), code)
        found = inspection_at(sample, 1)
        assert (found.status, found.outcome, found.code) == (
            InspectionStatus.CONCLUDED, outcome, code,
        )  # fmt: skip
        assert (verdict.outcome, verdict.code) == (outcome, code)
        assert task_at(sample, 1).status is TaskStatus.SUBMITTED

    def test_not_reached_three_times_stays_open(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        for attempt in (1, 2):
            verdict = report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
            assert verdict.outcome is None
            assert task_at(sample, 1).attempts == attempt
            assert inspection_at(sample, 1).status is InspectionStatus.OPEN
            later(hours=20)
        last = report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        assert last.outcome is OutcomeClass.OPEN
        assert inspection_at(sample, 1).outcome is OutcomeClass.OPEN
        assert (sample.status, sample.unresolved) == (SampleStatus.UNDECIDED, 1)

    def test_attempts_end_after_a_day_of_legal_hours(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        later(hours=25)
        report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        assert inspection_at(sample, 1).outcome is OutcomeClass.OPEN

    def test_not_reached_waits_for_another_part_of_the_day(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        wait = task_at(sample, 1).not_before - clock.now()
        assert timedelta(hours=3, minutes=59) < wait < timedelta(hours=4, minutes=1)

    def test_call_back_is_for_the_time_and_the_verifier_promised(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        due = clock.after_lock() + timedelta(days=1)
        task = claimed(cast.verifier)
        verdict = report(cast.verifier, task, Outcome.CALL_BACK, callback_at=due)
        assert verdict.outcome is None
        task = task_at(sample, 1)
        assert (task.not_before, task.promised_to_id) == (due, cast.verifier.user.id)
        assert (task.status, task.attempts) == (TaskStatus.QUEUED, 1)

    def test_cannot_judge_goes_to_another_and_then_stays_open(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.CANNOT_JUDGE)
        assert inspection_at(sample, 1).status is InspectionStatus.OPEN
        report(cast.second_verifier, claimed(cast.second_verifier), Outcome.CANNOT_JUDGE)
        assert inspection_at(sample, 1).outcome is OutcomeClass.OPEN

    def test_cannot_judge_is_settled_by_who_can(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.CANNOT_JUDGE)
        report(cast.second_verifier, claimed(cast.second_verifier), Outcome.CONFIRMED)
        assert inspection_at(sample, 1).outcome is OutcomeClass.GOOD

    def test_do_not_call_takes_the_person_off_every_list_at_once(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        report(cast.verifier, claimed(cast.verifier), Outcome.DO_NOT_CALL)
        lead = leads.get_lead(inspection_at(sample, 1).lead_id)
        assert lead.status is LeadStatus.SUPPRESSED
        assert people.suppressed_leads([lead.id]) == {lead.id}

    def test_erasure_is_asked_for_and_the_person_suppressed(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        answers = {"right": "erasure", "called_before": "yes"}
        task = claimed(cast.verifier)
        verdict = report(cast.verifier, task, Outcome.DENIES, answers=answers)
        assert verdict.answers == answers
        lead = leads.get_lead(inspection_at(sample, 1).lead_id)
        assert lead.status is LeadStatus.SUPPRESSED
        asked = db.session.scalars(select(Event).where(Event.type == "erasure.requested")).all()
        assert [event.subject_id for event in asked] == [lead.id]

    def test_corrections_are_kept_and_the_sealed_lead_is_not_changed(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        before = dict(leads.get_lead(inspection_at(sample, 1).lead_id).attributes)
        verdict = report(
            cast.verifier,
            claimed(cast.verifier),
            Outcome.CORRECTED,
            corrections={"postal_code": "43005"},
        )
        assert verdict.corrections == {"postal_code": "43005"}
        assert leads.get_lead(inspection_at(sample, 1).lead_id).attributes == before


class TestAnotherOpinion:
    """Bad is what two of up to three found, each for themselves."""

    def test_is_asked_of_somebody_else_who_sees_nothing(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        later(hours=5)
        task = claimed(cast.verifier)
        note = {"note": "never asked", "answers": {"called_before": "yes"}}
        verdict = report(cast.verifier, task, Outcome.DENIES, **note)
        assert verdict.outcome is OutcomeClass.BAD
        assert inspection_at(sample, 1).status is InspectionStatus.OPEN
        later(days=1)
        assert claim(cast.verifier) is None
        again = claimed(cast.second_verifier)
        assert (again.id, again.draft, again.attempts) == (task.id, {}, 0)
        call = calls.open_call(task_id=again.id, actor=cast.second_verifier.actor)
        assert call.attempt == 1

    @pytest.mark.parametrize(
        ("codes", "outcome"),
        [
            ([Outcome.DENIES, Outcome.NUMBER_DEAD], OutcomeClass.BAD),
            ([Outcome.DENIES, Outcome.CONFIRMED, Outcome.CONFIRMED], OutcomeClass.GOOD),
            ([Outcome.DENIES, Outcome.CONFIRMED, Outcome.WRONG_PERSON], OutcomeClass.BAD),
            ([Outcome.DENIES, Outcome.CANNOT_JUDGE, Outcome.CONFIRMED], OutcomeClass.OPEN),
        ],
    )
    def test_settles_with_up_to_three(self, cast: Cast, codes, outcome: OutcomeClass) -> None:
        sample = make_sample(cast.seller, leads=1)
        for code, player in zip(codes, callers_of(cast), strict=False):
            later(days=1)  # nobody is called three times in a day
            report(player, claimed(player), code)
        assert inspection_at(sample, 1).outcome is outcome

    def test_that_reaches_nobody_leaves_it_open(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        for attempt in (1, 2):
            assert task_at(sample, 1).attempts == attempt - 1
            assert inspection_at(sample, 1).status is InspectionStatus.OPEN
            report(cast.second_verifier, claimed(cast.second_verifier), Outcome.NOT_REACHED)
            later(days=1)
        found = inspection_at(sample, 1)
        assert (found.outcome, found.code) == (OutcomeClass.OPEN, "not_reached")

    def test_third_call_of_a_day_waits_for_the_next(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        report(cast.second_verifier, claimed(cast.second_verifier), Outcome.CONFIRMED)
        zone = ZoneInfo(task_at(sample, 1).time_zone)
        due = task_at(sample, 1).not_before.astimezone(zone)
        assert due.date() == clock.now().astimezone(zone).date() + timedelta(days=1)

    def test_undone_is_asked_of_nobody(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        later(hours=5)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        back = undo(cast.verifier, verdict)
        assert back.attempts == 1
        report(cast.verifier, back, Outcome.CONFIRMED)
        assert inspection_at(sample, 1).outcome is OutcomeClass.GOOD


def callers_of(cast: Cast) -> list[Player]:
    return [cast.verifier, cast.second_verifier, cast.third_verifier]


class TestSense:
    @pytest.mark.parametrize(
        ("code", "more", "wrong"),
        [
            (Outcome.CALL_BACK, {"callback_at": None}, {"/callback_at": "required"}),
            (
                Outcome.CALL_BACK,
                {"callback_at": timedelta(minutes=-5)},
                {"/callback_at": "value_not_allowed"},
            ),
            (
                Outcome.CALL_BACK,
                {"callback_at": timedelta(days=5)},
                {"/callback_at": "value_not_allowed"},
            ),
            (Outcome.CORRECTED, {"note": " "}, {"/corrections": "required"}),
            (
                Outcome.CORRECTED,
                {"corrections": {"postal_code": "ABC"}},
                {"/corrections/postal_code": "postal_code_invalid"},
            ),
            (
                Outcome.CORRECTED,
                {"corrections": {"phone": "+16142340000"}},
                {"/corrections/phone": "value_not_allowed"},
            ),
            (Outcome.CONFIRMED, {"note": "x" * 1_001}, {"/note": "too_long"}),
            (
                Outcome.CONFIRMED,
                {"answers": {"horizon": "never", "mood": "good"}},
                {"/answers/horizon": "value_not_allowed", "/answers/mood": "value_not_allowed"},
            ),
        ],
    )
    def test_is_asked_for_field_by_field(self, cast: Cast, code, more, wrong) -> None:
        make_sample(cast.seller)
        if isinstance(more.get("callback_at"), timedelta):
            more = {"callback_at": clock.after_lock() + more["callback_at"]}
        with pytest.raises(Invalid) as caught:
            report(cast.verifier, claimed(cast.verifier), code, **more)
        assert problems(caught) == wrong
        assert db.session.scalar(select(func.count(Verdict.id))) == 0

    def test_talk_of_less_than_five_seconds_is_asked_about(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        with pytest.raises(Invalid) as caught:
            report(cast.verifier, task, Outcome.CONFIRMED, sure=False)
        assert problems(caught) == {"/sure": "too_fast"}
        later(seconds=6)
        assert report(cast.verifier, task, Outcome.CONFIRMED, sure=False).seconds >= 6

    def test_nobody_has_to_talk_to_a_dead_line(self, cast: Cast) -> None:
        make_sample(cast.seller)
        report(cast.verifier, claimed(cast.verifier), Outcome.NUMBER_DEAD, sure=False)


class TestRepeat:
    def test_gives_the_first_verdict_again(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        one = report(cast.verifier, task, Outcome.CONFIRMED)
        two = report(cast.verifier, task, Outcome.DENIES)
        assert two is one
        assert db.session.scalar(select(func.count(Verdict.id))) == 1

    def test_of_an_attempt_counts_once(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        task = claimed(cast.verifier)
        report(cast.verifier, task, Outcome.NOT_REACHED)
        report(cast.verifier, task, Outcome.NOT_REACHED)
        assert task_at(sample, 1).attempts == 1

    def test_by_another_verifier_is_refused(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        report(cast.verifier, task, Outcome.CONFIRMED)
        with pytest.raises(NotFound):
            report(cast.second_verifier, task, Outcome.CONFIRMED)


class TestUndo:
    def test_gives_the_call_back_with_what_was_reported(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        task = claimed(cast.verifier)
        verdict = report(cast.verifier, task, Outcome.DENIES, note="angry")
        back = undo(cast.verifier, verdict)
        assert (back.id, back.status) == (task.id, TaskStatus.CLAIMED)
        assert (back.draft["outcome"], back.draft["note"]) == ("denies", "angry")
        found = inspection_at(sample, 1)
        assert (found.status, found.outcome, found.code) == (InspectionStatus.OPEN, None, None)
        report(cast.verifier, back, Outcome.CONFIRMED)
        assert inspection_at(sample, 1).outcome is OutcomeClass.GOOD

    def test_of_an_attempt_takes_the_attempt_back(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CALL_BACK)
        undo(cast.verifier, verdict)
        task = task_at(sample, 1)
        assert (task.attempts, task.promised_to_id) == (0, None)
        assert task.status is TaskStatus.CLAIMED

    def test_lets_go_of_the_call_taken_since(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        following = claimed(cast.verifier)
        undo(cast.verifier, verdict)
        assert following.status is TaskStatus.QUEUED
        assert inspection_of(claimed(cast.verifier)).position == 1
        assert sample.status is SampleStatus.OPEN

    def test_lets_the_verifier_judge_the_lead_again(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CANNOT_JUDGE)
        task = undo(cast.verifier, verdict)
        tasks.release(task_id=task.id, lease_number=task.lease_number, actor=cast.verifier.actor)
        assert claim(cast.verifier) is task

    def test_is_over_after_thirty_seconds(self, cast: Cast) -> None:
        make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        later(seconds=31)
        self.refused(cast, verdict, "undo_late")

    def test_is_refused_twice(self, cast: Cast) -> None:
        make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        undo(cast.verifier, verdict)
        self.refused(cast, verdict, "undo_taken")

    def test_is_refused_once_another_has_taken_the_call(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CANNOT_JUDGE)
        claimed(cast.second_verifier)
        self.refused(cast, verdict, "undo_taken")

    def test_is_refused_when_the_lot_was_decided_by_it(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        self.refused(cast, verdict, "undo_decided")

    def test_is_refused_when_the_person_was_taken_off_the_lists(self, cast: Cast) -> None:
        make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.DO_NOT_CALL)
        self.refused(cast, verdict, "undo_decided")

    def test_of_somebody_elses_verdict_finds_nothing(self, cast: Cast) -> None:
        make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        with pytest.raises(NotFound):
            undo(cast.second_verifier, verdict)

    def test_does_not_count_in_the_tally(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        report(cast.verifier, undo(cast.verifier, verdict), Outcome.CONFIRMED)
        work(cast.verifier, everybody(Outcome.CONFIRMED))
        assert (sample.n, sample.good, sample.bad) == (22, 22, 0)

    def refused(self, cast: Cast, verdict: Verdict, code: str) -> None:
        with pytest.raises(Conflict) as caught:
            undo(cast.verifier, verdict)
        assert caught.value.code == code
        assert caught.value.detail


class TestOwnLeads:
    def test_are_refused_by_the_table(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        verdict = Verdict(
            task_id=task.id,
            lease_number=1,
            inspection_id=task.inspection_id,
            lead_id=inspection_of(task).lead_id,
            verifier_id=cast.verifier.user.id,
            organization_id=cast.seller.organization.id,
            seller_id=cast.seller.organization.id,
            code="confirmed",
            seconds=9,
        )
        with pytest.raises(IntegrityError, match="not_own_leads"), db.session.begin_nested():
            save(verdict)


class TestLateAnswers:
    def test_after_an_acceptance_do_not_change_it(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        held = take(cast.second_verifier, sample, 25)
        work(cast.verifier, these({3: Outcome.DENIES}), calls=21)
        assert sample.status is SampleStatus.OPEN
        work(cast.verifier, everybody(Outcome.CONFIRMED), calls=13)
        assert sample.status is SampleStatus.OPEN
        report(cast.second_verifier, held, Outcome.CONFIRMED)
        work(cast.verifier, everybody(Outcome.CONFIRMED))
        before = queries.published_quality(sample.batch_id)
        assert (sample.status, sample.n) == (SampleStatus.ACCEPTED, 36)
        assert before == queries.published_quality(sample.batch_id)
        counted = select(func.count(Inspection.id)).where(
            Inspection.ref_id == sample.id, Inspection.is_counted
        )
        assert db.session.scalar(counted) == 36
        assert db.session.scalars(select(Sample)).all() == [sample]
