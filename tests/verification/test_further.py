"""Questions that follow from an answer: good ones checked twice, attempts that run on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.catalog.schemas import load_preset
from exchange.catalog.scripts import Outcome
from exchange.catalog.services import publish_vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict
from exchange.leads import queries as leads
from exchange.leads.models import LeadStatus
from exchange.leads.services import batches, suppression
from exchange.verification import queries
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.services import calls, verdicts
from tests.cast import Cast, Player
from tests.factories.catalog import VERTICAL, make_vertical, with_doubles
from tests.verification.support import (
    claim,
    claim_this,
    claimed,
    everybody,
    inspection_at,
    inspection_of,
    later,
    make_sample,
    report,
    settle,
    take,
    these,
    work,
)

GOOD, DENIES, SILENT = Outcome.CONFIRMED, Outcome.DENIES, Outcome.NOT_REACHED


def asked(sample: Sample, purpose: InspectionPurpose) -> list[Inspection]:
    """What follows from the answers about a sample, oldest first."""
    drawn = [inspection.id for inspection in queries.inspections_of(sample.id)]
    statement = select(Inspection).where(
        Inspection.purpose == purpose, Inspection.ref_id.in_(drawn)
    )
    return list(db.session.scalars(statement.order_by(Inspection.id)))


def task_of(inspection: Inspection) -> VerificationTask:
    found = select(VerificationTask).where(VerificationTask.inspection_id == inspection.id)
    return db.session.scalars(found.execution_options(populate_existing=True)).one()


def status_of(inspection: Inspection) -> LeadStatus:
    return leads.get_lead(inspection.lead_id).status


@pytest.fixture
def everything_twice(cast: Cast) -> None:
    """Whatever is found good is checked by another verifier."""
    make_vertical()
    definition = with_doubles(load_preset(VERTICAL), share_bps=10_000)
    publish_vertical(definition=definition, actor=SYSTEM)


@pytest.mark.usefixtures("everything_twice")
class TestDoubles:
    def doubled(self, cast: Cast, **lot: int) -> tuple[Sample, Inspection]:
        sample = make_sample(cast.seller, **{"leads": 1, **lot})
        work(cast.verifier, everybody(GOOD))
        return sample, asked(sample, InspectionPurpose.DOUBLE)[0]

    def test_are_asked_of_another_an_hour_later(self, cast: Cast) -> None:
        sample, double = self.doubled(cast)
        assert double.ref_id == inspection_at(sample, 1).id
        wait = task_of(double).not_before - clock.now()
        assert timedelta(minutes=59) < wait <= timedelta(hours=1)
        later(hours=2)
        assert claim(cast.verifier) is None
        assert inspection_of(claimed(cast.second_verifier)) is double

    def test_look_like_any_other_call(self, cast: Cast) -> None:
        self.doubled(cast)
        later(hours=2)
        task = claimed(cast.second_verifier)
        call = calls.open_call(task_id=task.id, actor=cast.second_verifier.actor)
        assert (call.attempt, task.draft, task.attempts) == (1, {}, 0)
        verdict = report(cast.second_verifier, task, GOOD)
        verdicts.undo(verdict_id=verdict.id, actor=cast.second_verifier.actor)
        assert task.status is TaskStatus.CLAIMED

    def test_that_agree_change_nothing(self, cast: Cast) -> None:
        sample, double = self.doubled(cast)
        before = queries.published_quality(sample.batch_id)
        later(hours=2)
        report(cast.second_verifier, claimed(cast.second_verifier), GOOD)
        assert double.outcome is OutcomeClass.GOOD
        assert queries.published_quality(sample.batch_id) == before
        assert status_of(double) is LeadStatus.VALID
        assert asked(sample, InspectionPurpose.DOUBLE) == [double]

    def test_found_bad_and_confirmed_take_the_lead_out_and_leave_the_tally(
        self, cast: Cast
    ) -> None:
        sample, double = self.doubled(cast)
        before = queries.published_quality(sample.batch_id)
        later(hours=2)
        report(cast.second_verifier, claimed(cast.second_verifier), DENIES)
        assert (double.outcome, status_of(double)) == (None, LeadStatus.VALID)
        later(days=1)
        report(cast.third_verifier, claimed(cast.third_verifier), DENIES)
        assert (double.outcome, status_of(double)) == (OutcomeClass.BAD, LeadStatus.QUARANTINED)
        assert queries.published_quality(sample.batch_id) == before
        assert queries.known_outcome(double.lead_id) == (OutcomeClass.BAD, "denies")

    def test_count_what_was_found_first_among_the_three(self, cast: Cast) -> None:
        _, double = self.doubled(cast)
        later(hours=2)
        report(cast.second_verifier, claimed(cast.second_verifier), DENIES)
        later(days=1)
        report(cast.third_verifier, claimed(cast.third_verifier), GOOD)
        assert (double.outcome, status_of(double)) == (OutcomeClass.GOOD, LeadStatus.VALID)

    def test_act_with_the_decision_while_the_lot_is_being_sampled(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        report(cast.verifier, take(cast.verifier, sample, 1), GOOD)
        report(cast.verifier, take(cast.verifier, sample, 2), GOOD)
        doubles = asked(sample, InspectionPurpose.DOUBLE)
        later(hours=2)
        for double, code in zip(doubles, (GOOD, DENIES), strict=True):
            report(cast.second_verifier, claim_this(cast.second_verifier, task_of(double)), code)
        later(days=1)
        report(cast.third_verifier, claim_this(cast.third_verifier, task_of(doubles[1])), DENIES)
        people = [leads.get_lead(double.lead_id) for double in doubles]
        assert [person.status for person in people] == [LeadStatus.VALID] * 2
        assert [person.checked_at for person in people] == [None, None]
        work(cast.verifier, everybody(GOOD))
        assert (sample.status, sample.bad) == (SampleStatus.ACCEPTED, 0)
        assert [status_of(double) for double in doubles] == [
            LeadStatus.VALID, LeadStatus.QUARANTINED,
        ]  # fmt: skip

    def test_are_dropped_when_the_first_answer_is_taken_back(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), GOOD)
        double = asked(sample, InspectionPurpose.DOUBLE)[0]
        task = verdicts.undo(verdict_id=verdict.id, actor=cast.verifier.actor)
        settle(cast.verifier, task, DENIES)
        db.session.refresh(double)
        assert (double.status, task_of(double).status) == (
            InspectionStatus.CANCELLED, TaskStatus.CANCELLED,
        )  # fmt: skip

    def test_are_not_asked_of_what_several_judged_already(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        for code, player in ((DENIES, cast.verifier), (GOOD, cast.second_verifier),
                             (GOOD, cast.third_verifier)):  # fmt: skip
            later(days=1)
            report(player, claimed(player), code)
        assert inspection_at(sample, 1).outcome is OutcomeClass.GOOD
        assert asked(sample, InspectionPurpose.DOUBLE) == []

    def test_are_nothing_for_a_suppressed_person(self, cast: Cast) -> None:
        _, double = self.doubled(cast)
        suppression.suppress_person(lead_id=double.lead_id, origin="list", actor=SYSTEM)
        db.session.refresh(double)
        assert double.outcome is OutcomeClass.OPEN
        later(hours=2)
        assert claim(cast.second_verifier) is None


def test_share_of_answers_is_checked_twice(cast: Cast) -> None:
    make_vertical()
    half = with_doubles(load_preset(VERTICAL), share_bps=5_000)
    publish_vertical(definition=half, actor=SYSTEM)
    sample = make_sample(cast.seller, leads=200)
    work(cast.verifier, everybody(GOOD))
    # 22 answers: 2 in a billion that so few or so many of them are chosen.
    assert 1 <= len(asked(sample, InspectionPurpose.DOUBLE)) <= 21


class TestFollowUps:
    def silent(self, cast: Cast, *, leads: int = 1) -> tuple[Sample, list[Inspection]]:
        """A lot of which the first person does not answer while it is decided."""
        sample = make_sample(cast.seller, leads=leads)
        for _ in range(3):
            work(cast.verifier, these({1: SILENT}))
            later(hours=20)
        assert inspection_at(sample, 1).outcome is OutcomeClass.OPEN
        return sample, asked(sample, InspectionPurpose.FOLLOW_UP)

    def test_run_on_after_the_decision(self, cast: Cast) -> None:
        sample, (found,) = self.silent(cast)
        assert (found.ref_kind, found.ref_id) == ("inspection", inspection_at(sample, 1).id)
        assert sample.status is SampleStatus.UNDECIDED
        assert found.status is InspectionStatus.OPEN

    def test_end_with_the_sixth_attempt(self, cast: Cast) -> None:
        sample, (found,) = self.silent(cast, leads=120)
        attempts = 3
        while found.status is InspectionStatus.OPEN:
            task = claim(cast.verifier)
            if task is None:
                later(hours=4)
                continue
            report(cast.verifier, task, SILENT)
            attempts += 1
        assert attempts <= 6
        assert (found.outcome, found.code) == (OutcomeClass.OPEN, "not_reached")
        assert sample.n == 22
        made = select(Verdict).where(Verdict.lead_id == found.lead_id)
        told = sorted(verdict.created_at for verdict in db.session.scalars(made))
        assert told[-1] - told[0] <= timedelta(days=4)

    def test_found_good_are_sold_as_checked(self, cast: Cast) -> None:
        sample, (found,) = self.silent(cast, leads=120)
        before = queries.published_quality(sample.batch_id)
        later(hours=10)
        assert inspection_of(claimed(cast.verifier)) is found
        report(cast.verifier, claimed(cast.verifier), GOOD)
        assert leads.get_lead(found.lead_id).checked_at is not None
        assert queries.published_quality(sample.batch_id) == before

    def test_found_bad_and_confirmed_are_failed_checks(self, cast: Cast) -> None:
        _, (found,) = self.silent(cast, leads=120)
        later(hours=10)
        report(cast.verifier, claimed(cast.verifier), DENIES)
        assert status_of(found) is LeadStatus.VALID
        later(days=1)
        report(cast.second_verifier, claimed(cast.second_verifier), DENIES)
        assert (found.outcome, status_of(found)) == (OutcomeClass.BAD, LeadStatus.QUARANTINED)

    def test_are_not_for_a_rejected_lot(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        for _ in range(3):
            report(cast.verifier, take(cast.verifier, sample, 1), SILENT)
            later(hours=20)
        (found,) = asked(sample, InspectionPurpose.FOLLOW_UP)
        for position in (2, 3, 4):
            settle(cast.verifier, take(cast.verifier, sample, position), DENIES)
        assert sample.status is SampleStatus.REJECTED
        db.session.refresh(found)
        assert found.status is InspectionStatus.CANCELLED
        assert task_of(found).status is TaskStatus.CANCELLED

    def test_stop_with_the_lot(self, cast: Cast) -> None:
        sample, (found,) = self.silent(cast, leads=120)
        batches.withdraw_batch(batch_id=sample.batch_id, actor=cast.seller.actor)
        db.session.refresh(found)
        assert found.status is InspectionStatus.CANCELLED
        later(days=1)
        assert claim(cast.verifier) is None

    def test_are_not_for_a_suppressed_person(self, cast: Cast) -> None:
        _, (found,) = self.silent(cast, leads=120)
        suppression.suppress_person(lead_id=found.lead_id, origin="list", actor=SYSTEM)
        later(days=1)
        assert claim(cast.verifier) is None

    def test_are_not_shown_as_what_they_are(self, cast: Cast) -> None:
        self.silent(cast)
        later(hours=10)
        call = calls.open_call(task_id=claimed(cast.verifier).id, actor=cast.verifier.actor)
        assert (call.attempt, call.attempts_max) == (1, 3)


def test_undo_of_a_double_that_was_found_bad_is_refused(cast: Cast, everything_twice: None) -> None:
    make_sample(cast.seller, leads=1)
    work(cast.verifier, everybody(GOOD))
    later(hours=2)
    report(cast.second_verifier, claimed(cast.second_verifier), DENIES)
    later(days=1)
    last: Player = cast.third_verifier
    verdict = report(last, claimed(last), DENIES)
    with pytest.raises(Conflict):
        verdicts.undo(verdict_id=verdict.id, actor=last.actor)
