"""A whole sample: called ahead, counted in draw order, decided once, never changed."""

from __future__ import annotations

import pytest
from scipy.stats import beta
from sqlalchemy import select

from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import Outcome
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.events import Event, Ref
from exchange.core.states import transition
from exchange.identity import services as identity
from exchange.identity.permissions import Role
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus, LeadStatus
from exchange.leads.services import suppression
from exchange.verification import queries
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    TaskStatus,
    VerificationTask,
)
from exchange.verification.records import check_record
from exchange.verification.services import inspections, samples, tasks
from tests.cast import PASSWORD, Cast, Player, qualify_verifiers
from tests.factories.leads import make_batch
from tests.verification.support import (
    claimed,
    everybody,
    inspection_at,
    inspection_of,
    later,
    make_sample,
    make_sealed,
    report,
    take,
    task_at,
    these,
    work,
)

GOOD, DENIES, DEAD = Outcome.CONFIRMED, Outcome.DENIES, Outcome.NUMBER_DEAD


def batch_of(sample: Sample) -> Batch:
    return leads.get_batch(sample.batch_id, viewer=None)


def waiting(sample: Sample) -> list[int]:
    """Positions that are in the queue."""
    statement = (
        select(Inspection.position)
        .join(VerificationTask, VerificationTask.inspection_id == Inspection.id)
        .where(Inspection.ref_id == sample.id, VerificationTask.status == TaskStatus.QUEUED)
        .order_by(Inspection.position)
    )
    return [position for position in db.session.scalars(statement) if position]


class TestAcceptance:
    def test_comes_after_the_first_look_of_a_clean_lot(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        assert work(cast.verifier, everybody(GOOD)) == 22
        assert (sample.status, sample.stage) == (SampleStatus.ACCEPTED, 1)
        assert (sample.n, sample.good, sample.bad, sample.unresolved) == (22, 22, 0, 0)
        assert batch_of(sample).status is BatchStatus.ACCEPTED

    def test_of_one_bad_lead_takes_the_second_look(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        assert work(cast.verifier, these({3: DENIES})) == 36
        assert (sample.status, sample.stage, sample.n, sample.bad) == (
            SampleStatus.ACCEPTED, 2, 36, 1,
        )  # fmt: skip

    def test_publishes_the_exact_bound_for_the_lot(self, cast: Cast) -> None:
        """LX-15 over 1,000 leads: nothing bad in 22 leaves at most 12.5 % (reference data)."""
        sample = make_sample(cast.seller, leads=1_000)
        work(cast.verifier, everybody(GOOD))
        quality = queries.published_quality(sample.batch_id)
        assert quality is not None
        assert quality["bad_upper"] == pytest.approx(0.126, abs=0.002)
        assert (quality["class"], quality["population"]) == ("standard", 1_000)
        assert (quality["confidence"], quality["method"]) == (0.95, "stage-wise")

    def test_marks_who_was_called_and_quarantines_who_was_bad(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, these({1: DENIES}))
        bad = leads.get_lead(inspection_at(sample, 1).lead_id)
        good = leads.get_lead(inspection_at(sample, 2).lead_id)
        assert (bad.status, bad.checked_at) == (LeadStatus.QUARANTINED, None)
        assert good.status is LeadStatus.VALID
        assert good.checked_at == inspection_at(sample, 2).concluded_at

    def test_of_a_small_lot_follows_its_single_plan(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=50)
        work(cast.verifier, these({1: DEAD, 9: DEAD}))
        assert (sample.status, sample.n, sample.bad) == (SampleStatus.ACCEPTED, 29, 2)

    def test_of_a_lot_of_one_lead_checks_that_lead(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        work(cast.verifier, everybody(GOOD))
        assert (sample.status, sample.n, sample.bad_upper) == (SampleStatus.ACCEPTED, 1, 0.0)


class TestRejection:
    def test_comes_with_the_third_bad_lead_of_the_first_look(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(DENIES), calls=3)
        assert (sample.status, sample.stage, sample.bad) == (SampleStatus.REJECTED, 1, 3)
        assert batch_of(sample).status is BatchStatus.REJECTED

    def test_counts_in_draw_order_whoever_was_called_first(self, cast: Cast) -> None:
        """Bad leads behind the look that is awaited do not count yet."""
        sample = make_sample(cast.seller)
        for position in (30, 31, 32, 33):
            answer_at(cast, sample, position, DENIES)
        assert sample.status is SampleStatus.OPEN
        work(cast.verifier, everybody(GOOD))
        # The first look was clean, and it decides.
        assert (sample.status, sample.stage, sample.bad) == (SampleStatus.ACCEPTED, 1, 0)

    def test_stands_though_others_stay_open(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, these({1: DENIES, 2: DENIES, 12: DENIES}, others=Outcome.DO_NOT_CALL))
        assert (sample.status, sample.unresolved) == (SampleStatus.REJECTED, 9)

    def test_publishes_counts_and_no_bound(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(DENIES), calls=3)
        quality = queries.published_quality(sample.batch_id)
        assert quality is not None
        assert (quality["n"], quality["bad"], quality["bad_upper"]) == (3, 3, None)

    def test_calls_of_its_look_run_on_and_change_nothing(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(DENIES), calls=3)
        assert waiting(sample) == list(range(4, 23))
        work(cast.verifier, everybody(DENIES))
        assert (sample.status, sample.n, sample.bad) == (SampleStatus.REJECTED, 3, 3)
        late = inspection_at(sample, 10)
        assert (late.outcome, late.is_counted) == (OutcomeClass.BAD, False)
        assert leads.get_lead(late.lead_id).status is LeadStatus.QUARANTINED


def answer_at(cast: Cast, sample: Sample, position: int, code: Outcome) -> None:
    """Answer one position out of turn, as a verifier who happened to take that call."""
    report(cast.verifier, take(cast.verifier, sample, position), code)


class TestUndecided:
    def test_more_than_two_of_five_open_is_no_acceptance(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, these(dict.fromkeys(range(1, 10), Outcome.DO_NOT_CALL)))
        assert (sample.status, sample.n, sample.unresolved) == (SampleStatus.UNDECIDED, 22, 9)
        assert batch_of(sample).status is BatchStatus.UNDECIDED
        quality = queries.published_quality(sample.batch_id)
        assert quality is not None
        assert (quality["class"], quality["open"], quality["bad_upper"]) == ("unverified", 9, None)

    def test_up_to_two_of_five_open_are_accepted_and_published(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, these(dict.fromkeys(range(1, 9), Outcome.DO_NOT_CALL)))
        assert (sample.status, sample.good, sample.unresolved) == (SampleStatus.ACCEPTED, 14, 8)


class TestCallingAhead:
    def test_opens_the_coming_look_and_one_more(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        assert waiting(sample) == list(range(1, 37))

    def test_goes_on_with_the_looks(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, these({1: DENIES}), calls=22)
        assert sample.called_ahead == 50
        assert waiting(sample) == list(range(23, 51))

    def test_ends_with_the_decision(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(GOOD))
        assert waiting(sample) == []
        behind = queries.inspections_of(sample.id)[22:]
        assert {inspection.status for inspection in behind} == {InspectionStatus.CANCELLED}

    def test_finishes_a_call_that_is_under_way(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        held = take(cast.second_verifier, sample, 30)
        work(cast.verifier, everybody(GOOD))
        assert sample.status is SampleStatus.ACCEPTED
        report(cast.second_verifier, held, DEAD)
        late = inspection_at(sample, 30)
        # Whom one verifier found bad is not sold before another has called.
        assert (late.status, waiting(sample)) == (InspectionStatus.OPEN, [30])
        samples.cancel_leftovers()
        report(cast.third_verifier, claimed(cast.third_verifier), DEAD)
        assert (late.status, late.is_counted) == (InspectionStatus.CONCLUDED, False)
        assert (sample.n, sample.bad) == (22, 0)
        assert leads.get_lead(late.lead_id).status is LeadStatus.QUARANTINED

    def test_does_not_try_again_after_the_decision(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        held = take(cast.second_verifier, sample, 30)
        work(cast.verifier, everybody(GOOD))
        report(cast.second_verifier, held, Outcome.NOT_REACHED)
        assert inspection_at(sample, 30).status is InspectionStatus.CANCELLED
        assert task_at(sample, 30).status is TaskStatus.CANCELLED

    def test_call_given_back_after_the_decision_is_swept_away(self, cast: Cast, sweep) -> None:
        sample = make_sample(cast.seller)
        held = take(cast.second_verifier, sample, 30)
        work(cast.verifier, everybody(GOOD))
        tasks.release(
            task_id=held.id, lease_number=held.lease_number, actor=cast.second_verifier.actor
        )
        db.session.commit()
        sweep("verification.leases")
        assert inspection_at(sample, 30).status is InspectionStatus.CANCELLED


class TestSuppression:
    def test_of_a_drawn_person_leaves_the_question_open(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        lead_id = inspection_at(sample, 5).lead_id
        suppression.suppress_person(lead_id=lead_id, origin="objection", actor=SYSTEM)
        found = inspection_at(sample, 5)
        assert (found.outcome, found.code) == (OutcomeClass.OPEN, "do_not_call")
        assert task_at(sample, 5).status is TaskStatus.CANCELLED
        assert work(cast.verifier, everybody(GOOD)) == 21
        assert (sample.status, sample.n, sample.unresolved) == (SampleStatus.ACCEPTED, 22, 1)

    def test_of_somebody_on_the_phone_leaves_the_question_open_when_the_call_comes_back(
        self, cast: Cast, sweep
    ) -> None:
        sample = make_sample(cast.seller)
        task = claimed(cast.verifier)
        suppression.suppress_person(lead_id=task.lead_id, origin="objection", actor=SYSTEM)
        assert get(Inspection, task.inspection_id).status is InspectionStatus.OPEN
        report(cast.verifier, task, Outcome.NOT_REACHED)
        later(hours=30)
        work(cast.verifier, everybody(GOOD))
        assert sample.status is SampleStatus.OPEN  # nobody may call the one who is left
        db.session.commit()
        sweep("verification.uncallable")
        db.session.expire_all()
        assert (sample.status, sample.n, sample.unresolved) == (SampleStatus.ACCEPTED, 22, 1)
        assert task.status is TaskStatus.CANCELLED

    def test_of_somebody_further_down_waits_for_their_turn(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        lead_id = inspection_at(sample, 40).lead_id
        suppression.suppress_person(lead_id=lead_id, origin="objection", actor=SYSTEM)
        assert inspection_at(sample, 40).status is InspectionStatus.OPEN
        work(cast.verifier, these({1: DENIES, 25: DENIES}), calls=36)
        assert inspection_at(sample, 40).outcome is OutcomeClass.OPEN


class TestSource:
    def test_is_new_without_an_earlier_lot(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(GOOD))
        quality = queries.published_quality(sample.batch_id)
        assert quality is not None
        assert quality["source"] is None

    def test_remembers_earlier_lots_of_the_cell(self, cast: Cast) -> None:
        one = make_sample(cast.seller, leads=50)
        work(cast.verifier, these({1: DEAD}))
        db.session.commit()
        db.session().info.clear()
        two = make_sample(cast.seller, leads=50)
        other = make_sample(cast.seller, leads=50, source="another page")
        work(cast.verifier, everybody(GOOD))
        found = queries.published_qualities([one.batch_id, two.batch_id, other.batch_id])
        assert found[one.batch_id]["source"] is None
        assert found[other.batch_id]["source"] is None
        record = found[two.batch_id]["source"]
        assert record is not None
        # 1 bad of 29 counts for 22.7 checks after its design effect, onto 20 checks of 5 %.
        effect = 1 + 28 / 101
        a, b = 1 + 1 / effect, 19 + 28 / effect
        assert record["n_effective"] == round(29 / effect)
        assert record["mean"] == pytest.approx(a / (a + b), abs=1e-12)
        assert record["lower"] == pytest.approx(beta.ppf(0.05, a, b), abs=1e-9)
        assert record["upper"] == pytest.approx(beta.ppf(0.95, a, b), abs=1e-9)

    def test_sets_the_reserve_once_it_is_known(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1_000)
        batch = batch_of(sample)
        cell = (batch.organization_id, batch.vertical_id, batch.source_id)
        assert queries.reserve_bps(*cell) == 1_500
        work(cast.verifier, these({1: DEAD, 23: DEAD, 37: DEAD, 51: DEAD}))
        assert sample.n == 78
        assert queries.reserve_bps(*cell) == 1_500, "78 checks of one lot count for 44"


class TestProgress:
    def test_tells_how_many_and_nothing_of_what_was_found(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        assert queries.published_quality(sample.batch_id) is None
        work(cast.verifier, these({2: DENIES}), calls=5)
        seen = queries.progress(sample.batch_id)
        assert seen is not None
        assert (seen.checked, seen.most, seen.stage) == (5, 92, 1)
        assert not hasattr(seen, "bad")

    def test_of_no_lead_is_visible_before_the_decision(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, these({2: DENIES}), calls=5)
        lead = leads.get_lead(inspection_at(sample, 2).lead_id)
        assert lead.status is LeadStatus.VALID
        ours = db.session.scalars(
            select(Event.type).where(Event.organization_id == cast.seller.organization.id)
        ).all()
        assert not [kind for kind in ours if kind.startswith(("inspection.", "lead.qua"))]

    def test_is_nothing_before_the_draw(self, cast: Cast) -> None:
        assert queries.progress(make_sealed(cast.seller).id) is None


class TestRecord:
    @pytest.mark.parametrize(
        "story",
        [
            everybody(GOOD),
            these({1: DENIES, 40: DEAD, 60: DEAD}),
            everybody(DENIES),
            these(dict.fromkeys(range(1, 12), Outcome.DO_NOT_CALL)),
        ],
    )
    def test_of_every_decision_agrees_with_itself(self, cast: Cast, story) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, story)
        record = queries.public_record(sample.batch_id)
        assert [c for c in check_record(record.header, record.leaves) if not c.agrees] == []

    def test_of_a_waived_lot_has_a_root_only(self, cast: Cast) -> None:
        batch = make_batch(
            cast.seller, status=BatchStatus.VALIDATING, quality_class=QualityClass.UNVERIFIED
        )
        transition(batch, BatchStatus.SEALED, actor=SYSTEM)
        record = queries.public_record(batch.id)
        checks = check_record(record.header, record.leaves)
        assert [(c.piece, c.agrees) for c in checks] == [("root", True), ("decision", True)]


class TestOtherQuestions:
    def test_are_asked_once_for_a_purpose(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        lead_id = inspection_at(sample, 1).lead_id
        asked = [
            inspections.request_inspection(
                lead_ids=[lead_id],
                purpose=InspectionPurpose.RETURN,
                ref=Ref("return", sample.id),
                actor=SYSTEM,
            )[0]
            for _ in range(2)
        ]
        assert asked[0] is asked[1]

    def test_act_on_the_lead_at_once_and_tell_who_asked(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        work(cast.verifier, everybody(GOOD))
        lead_id = inspection_at(sample, 1).lead_id
        ref = Ref("return", sample.batch_id)
        inspections.request_inspection(
            lead_ids=[lead_id], purpose=InspectionPurpose.RETURN, ref=ref, actor=SYSTEM
        )
        # The verifier of the sample judged this lead before.
        assert work(cast.verifier, everybody(DEAD)) == 0
        assert work(cast.second_verifier, everybody(DEAD)) == 1
        assert leads.get_lead(lead_id).status is LeadStatus.QUARANTINED
        assert queries.known_outcome(lead_id) == (OutcomeClass.BAD, "number_dead")
        facts = db.session.scalars(
            select(Event.facts)
            .where(Event.type == "inspection.concluded")
            .order_by(Event.occurred_at.desc(), Event.id.desc())
        ).first()
        assert facts is not None
        assert facts["purpose"] == "return"
        assert (facts["ref_kind"], facts["ref_id"]) == ("return", str(sample.batch_id))
        assert (facts["lead_id"], facts["outcome"]) == (str(lead_id), "bad")

    @pytest.mark.parametrize(
        ("answers", "outcome"),
        [
            ([GOOD, GOOD], OutcomeClass.GOOD),
            ([GOOD, DEAD, DEAD], OutcomeClass.BAD),
            ([DEAD, GOOD, GOOD], OutcomeClass.GOOD),
        ],
    )
    def test_of_two_verdicts_are_settled_by_the_majority(
        self, cast: Cast, answers: list[Outcome], outcome: OutcomeClass
    ) -> None:
        sample = make_sample(cast.seller, leads=1)
        lead_id = inspection_at(sample, 1).lead_id
        work(cast.verifier, everybody(GOOD))
        asked = inspections.request_inspection(
            lead_ids=[lead_id],
            purpose=InspectionPurpose.RETURN,
            ref=Ref("return", sample.id),
            verdicts_needed=2,
            actor=SYSTEM,
        )[0]
        for code, verifier in zip(answers, three_others(cast), strict=False):
            assert asked.status is InspectionStatus.OPEN
            later(days=1)  # nobody is called three times in a day
            task = claimed(verifier)
            assert inspection_of(task) is asked
            report(verifier, task, code)
        assert asked.outcome is outcome


def three_others(cast: Cast) -> list[Player]:
    user = identity.add_member(
        email="vito@callers.example",
        name="Vito",
        password=PASSWORD,
        organization_id=cast.verifier.organization.id,
        role=Role.VERIFIER,
    )
    qualify_verifiers()
    fourth = Player(user, cast.verifier.organization, Role.VERIFIER)
    return [cast.second_verifier, cast.third_verifier, fourth]
