"""Exams, pauses and appeals: decided late enough to betray nothing, and by somebody else."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db
from exchange.core.errors import Conflict, Forbidden, Invalid, NotFound
from exchange.core.events import Event, Ref
from exchange.identity.models import Membership
from exchange.identity.permissions import Role, permissions_of
from exchange.leads.services import suppression
from exchange.notifications.models import Notice
from exchange.verification.gold_models import (
    Appeal,
    AppealStatus,
    Exam,
    ExamStatus,
    GoldCaseStatus,
    GoldCheck,
)
from exchange.verification.models import InspectionPurpose, OutcomeClass, Verdict
from exchange.verification.queries import gold, gold_stock, workers
from exchange.verification.queries.pay import find_earning
from exchange.verification.queries.workers import skills_of
from exchange.verification.services import (
    appeals,
    exams,
    oversight,
    qualifications,
    tasks,
    verdicts,
)
from exchange.verification.worker_models import Qualification, QualificationStatus
from exchange.verification.workers import (
    EXAM_SIZE,
    PRACTICE_SIZE,
    RETAKE_AFTER,
    SHOWN_AFTER,
    PauseRule,
    Share,
)
from tests.cast import Cast, Player
from tests.factories.catalog import make_vertical
from tests.verification.support import (
    answer_gold,
    case_of,
    cases,
    claim,
    claimed,
    inspection_of,
    judged_too,
    later,
    make_sample,
    report,
    skill_of,
)


def learn(verifier: Player, *, practised: int = PRACTICE_SIZE) -> Qualification:
    """Somebody who learns, and has practised so far."""
    vertical = make_vertical()
    skill = qualifications.begin(
        verifier_id=verifier.user.id,
        vertical_id=vertical.id,
        language=vertical.language,
        actor=verifier.actor,
    )
    if skill.status is not QualificationStatus.LEARNING:  # the cast may call already
        db.session.delete(skill)
        db.session.flush()
        return learn(verifier, practised=practised)
    for number in range(1, practised + 1):
        exams.practise(qualification_id=skill.id, number=number, verifier_id=verifier.user.id)
    return skill


def sit(verifier: Player, *, errors: int = 0, calls: int = EXAM_SIZE) -> Exam:
    """An exam with so many wrong answers among its first calls."""
    skill = learn(verifier)
    exam = exams.begin(
        qualification_id=skill.id, verifier_id=verifier.user.id, actor=verifier.actor
    )
    for number in range(calls):
        answer_exam(verifier, rightly=number >= errors)
    return exam


def answer_exam(verifier: Player, *, rightly: bool = True) -> Verdict:
    task = claimed(verifier)
    assert inspection_of(task).purpose is InspectionPurpose.GOLD
    is_good = case_of(task).truth is OutcomeClass.GOOD
    code = Outcome.CONFIRMED if is_good is rightly else Outcome.WRONG_PERSON
    return report(verifier, task, code)


def lead_of(verifier: Player, cast: Cast) -> Actor:
    """The shift lead of a verifier: another member of the house."""
    del cast
    kind = verifier.organization.kind
    member = db.session.scalars(
        select(Membership).where(
            Membership.organization_id == verifier.organization.id,
            Membership.user_id != verifier.user.id,
        )
    ).first()
    assert member is not None
    held = permissions_of(kind, Role.SHIFT_LEAD)
    return Actor("user", member.user_id, verifier.organization.id, frozenset(held))


class TestPractice:
    def test_comes_in_order_and_counts_once(self, cast: Cast) -> None:
        skill = learn(cast.verifier, practised=2)
        for number in (2, 4):
            exams.practise(
                qualification_id=skill.id, number=number, verifier_id=cast.verifier.user.id
            )
        assert skill.practised == 2

    def test_of_somebody_else_is_not_found(self, cast: Cast) -> None:
        skill = learn(cast.verifier, practised=0)
        with pytest.raises(NotFound):
            exams.practise(
                qualification_id=skill.id, number=1, verifier_id=cast.second_verifier.user.id
            )

    def test_comes_before_the_exam(self, cast: Cast) -> None:
        skill = learn(cast.verifier, practised=PRACTICE_SIZE - 1)
        with pytest.raises(Conflict) as refused:
            exams.begin(
                qualification_id=skill.id,
                verifier_id=cast.verifier.user.id,
                actor=cast.verifier.actor,
            )
        assert refused.value.code == "practise_first"


class TestExam:
    def test_without_an_error_qualifies_after_half_a_minute(self, cast: Cast) -> None:
        cases(cast, good=16, bad=12)
        exam = sit(cast.verifier)
        assert claim(cast.verifier) is None  # nothing else is given to who learns
        assert exams.decide_due() == 0  # the last answer may still be undone
        assert find_earning(Ref.to(exam)) is None
        later(seconds=31)
        assert exams.decide_due() == 1
        assert (exam.status, exam.errors) == (ExamStatus.PASSED, 0)
        vertical = make_vertical()
        assert skills_of(cast.verifier.user.id) == [(vertical.id, vertical.language)]
        assert find_earning(Ref.to(exam)).calls == EXAM_SIZE
        assert exams.decide_due() == 0

    def test_asks_bad_ones_by_the_mix(self, cast: Cast) -> None:
        cases(cast, good=16, bad=12)
        exam = sit(cast.verifier)
        asked = gold.calls_of_exam(exam.id)
        bad = sum(one.case.truth is OutcomeClass.BAD for one in asked)
        assert (len(asked), 6 <= bad <= 10) == (EXAM_SIZE, True)

    def test_with_one_error_is_failed_and_taken_again_later(self, cast: Cast) -> None:
        cases(cast, good=16, bad=12)
        exam = sit(cast.verifier, errors=1)
        later(seconds=31)
        exams.decide_due()
        assert (exam.status, exam.errors) == (ExamStatus.FAILED, 1)
        assert find_earning(Ref.to(exam)) is None
        skill = learn(cast.verifier)
        ask = {
            "qualification_id": skill.id,
            "verifier_id": cast.verifier.user.id,
            "actor": cast.verifier.actor,
        }
        with pytest.raises(Conflict) as refused:
            exams.begin(**ask)
        assert refused.value.code == "retake_later"
        later(days=RETAKE_AFTER.days)
        again = exams.begin(**ask)
        assert again.id != exam.id
        assert exams.begin(**ask).id == again.id

    def test_a_skipped_call_comes_back(self, cast: Cast) -> None:
        cases(cast, good=16, bad=12)
        exam = sit(cast.verifier, calls=EXAM_SIZE - 1)
        _skip(cast.verifier)
        assert claim(cast.verifier) is None
        later(minutes=11)
        answer_exam(cast.verifier)
        later(seconds=31)
        exams.decide_due()
        assert exam.status is ExamStatus.PASSED
        assert len(gold.calls_of_exam(exam.id)) == EXAM_SIZE

    def test_a_person_taken_off_the_lists_is_nobodys_error(self, cast: Cast) -> None:
        cases(cast, good=16, bad=12)
        exam = sit(cast.verifier, calls=1)
        task = claimed(cast.verifier)
        tasks.release(task_id=task.id, lease_number=task.lease_number, actor=cast.verifier.actor)
        lead = inspection_of(task).lead_id
        suppression.suppress_person(lead_id=lead, origin="objection", actor=SYSTEM)
        closed = [one for one in gold.calls_of_exam(exam.id) if one.inspection.lead_id == lead]
        assert [(one.inspection.outcome, one.is_right) for one in closed] == [
            (OutcomeClass.OPEN, None)
        ]

    def test_an_undone_answer_is_asked_again(self, cast: Cast) -> None:
        cases(cast, good=16, bad=12)
        exam = sit(cast.verifier, errors=0, calls=EXAM_SIZE - 1)
        wrong = answer_exam(cast.verifier, rightly=False)
        verdicts.undo(verdict_id=wrong.id, actor=cast.verifier.actor)
        answer_exam(cast.verifier)
        later(seconds=31)
        exams.decide_due()
        assert exam.status is ExamStatus.PASSED

    def test_is_not_taken_by_who_may_call_already(self, cast: Cast) -> None:
        skill = skill_of(cast.verifier)
        with pytest.raises(Conflict):
            exams.begin(
                qualification_id=skill.id,
                verifier_id=cast.verifier.user.id,
                actor=cast.verifier.actor,
            )


class TestPause:
    def test_follows_errors_when_they_cannot_be_undone(self, cast: Cast) -> None:
        skill = _err(cast)
        assert oversight.review_due() == 0
        assert skill.status is QualificationStatus.QUALIFIED
        later(seconds=31)
        assert oversight.review_due() == 1
        assert (skill.status, skill.reason) == (QualificationStatus.PAUSED, PauseRule.GOLD_ERRORS)
        assert skills_of(cast.verifier.user.id) == []
        notices = db.session.scalars(select(Notice.organization_id)).all()
        assert cast.verifier.organization.id in notices
        assert oversight.review_due() == 0

    def test_leaves_the_call_that_is_held(self, cast: Cast) -> None:
        skill = _err(cast)
        held = claimed(cast.verifier)
        later(seconds=31)
        oversight.review_due()
        assert skill.status is QualificationStatus.PAUSED
        assert report(cast.verifier, held, Outcome.CONFIRMED).outcome is OutcomeClass.GOOD

    def test_follows_five_skips_in_a_row(self, cast: Cast) -> None:
        make_sample(cast.seller)
        skill = skill_of(cast.verifier)
        for _ in range(4):
            _skip(cast.verifier)
        report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        assert skill.skips_in_a_row == 0
        for _ in range(4):
            _skip(cast.verifier)
        assert skill.status is QualificationStatus.QUALIFIED
        # A break between two skips changes nothing.
        held = claimed(cast.verifier)
        actor = cast.verifier.actor
        tasks.release(task_id=held.id, lease_number=held.lease_number, actor=actor)
        _skip(cast.verifier)
        assert (skill.status, skill.reason) == (QualificationStatus.PAUSED, PauseRule.SKIPS)

    @pytest.mark.parametrize(
        ("codes", "is_live", "reason"),
        [
            ([Outcome.CONFIRMED] * 3, True, PauseRule.TOO_FAST),
            ([Outcome.CONFIRMED] * 3, False, ""),  # a card is read as fast as one reads
            ([Outcome.CONFIRMED] * 2, True, ""),
            ([Outcome.CONFIRMED, Outcome.NUMBER_DEAD, Outcome.DENIES], True, ""),  # no talk
        ],
    )
    def test_follows_three_hasty_talks_in_a_row(
        self, cast: Cast, codes: list[Outcome], is_live: bool, reason: str
    ) -> None:
        make_sample(cast.seller)
        skill = skill_of(cast.verifier)
        for code in codes:
            task = claimed(cast.verifier)
            last = report(cast.verifier, task, code)
        oversight.after_verdict(last, task, people_are_called=is_live)
        assert skill.reason == reason

    def test_is_lifted_by_a_shift_lead_with_a_reason(self, cast: Cast) -> None:
        skill = skill_of(cast.verifier)
        lead = lead_of(cast.verifier, cast)
        oversight.pause(qualification_id=skill.id, reason="lunch is over", actor=lead)
        with pytest.raises(Invalid):
            oversight.resume(qualification_id=skill.id, reason=" ", actor=lead)
        oversight.resume(qualification_id=skill.id, reason="they are back", actor=lead)
        assert skill.status is QualificationStatus.QUALIFIED
        told = db.session.scalars(
            select(Event.facts).where(Event.type == "qualification.qualified").order_by(Event.id)
        ).all()
        assert told[-1]["reason"] == "they are back"

    def test_for_errors_is_lifted_by_the_operator_alone(self, cast: Cast) -> None:
        skill = _err(cast)
        later(seconds=31)
        oversight.review_due()
        lead = lead_of(cast.verifier, cast)
        ask = {"qualification_id": skill.id, "reason": "they promise to listen"}
        with pytest.raises(Forbidden):
            oversight.resume(**ask, actor=lead)
        oversight.resume(**ask, actor=cast.admin.actor)
        assert skill.status is QualificationStatus.QUALIFIED
        later(seconds=31)
        assert oversight.review_due() == 0  # errors of before do not count again

    def test_of_a_shift_lead_forgives_no_errors(self, cast: Cast) -> None:
        skill = _err(cast)
        lead = lead_of(cast.verifier, cast)
        oversight.pause(qualification_id=skill.id, reason="a short break", actor=lead)
        later(seconds=31)
        assert oversight.review_due() == 0
        oversight.resume(qualification_id=skill.id, reason="they are back", actor=lead)
        assert oversight.review_due() == 1
        assert (skill.status, skill.reason) == (QualificationStatus.PAUSED, PauseRule.GOLD_ERRORS)

    def test_leads_back_to_training(self, cast: Cast) -> None:
        skill = _err(cast)
        later(seconds=31)
        oversight.review_due()
        lead = lead_of(cast.verifier, cast)
        oversight.retrain(qualification_id=skill.id, reason="from the start", actor=lead)
        assert (skill.status, skill.practised) == (QualificationStatus.LEARNING, 0)

    def test_is_nothing_of_other_houses_and_not_ones_own_to_lift(self, cast: Cast) -> None:
        skill = skill_of(cast.verifier)
        lead = lead_of(cast.verifier, cast)
        stranger = Actor("user", cast.seller.user.id, cast.seller.organization.id, lead.permissions)
        with pytest.raises(NotFound):
            oversight.pause(qualification_id=skill.id, reason="out", actor=stranger)
        with pytest.raises(NotFound):  # no permission at all
            oversight.pause(qualification_id=skill.id, reason="x", actor=cast.verifier.actor)
        oversight.pause(qualification_id=skill.id, reason="a break", actor=lead)
        myself = Actor("user", cast.verifier.user.id, lead.organization_id, lead.permissions)
        with pytest.raises(Forbidden):
            oversight.resume(qualification_id=skill.id, reason="I am fine", actor=myself)


class TestFigures:
    def test_are_shown_after_three_days(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=20)
        cases(cast, good=2, bad=2)
        skill = skill_of(cast.verifier)
        verdict = answer_gold(cast.verifier, rightly=False)
        me = cast.verifier.user.id
        now = clock.now()
        shown = workers.figures(skill, now=now, known_until=workers.shown_until(now))
        assert shown.accuracy.right == Share(0, 0)
        assert workers.figures(skill, now=now).accuracy.right == Share(0, 1)
        assert workers.disagreements(me, until=workers.shown_until(now)) == []
        later(days=SHOWN_AFTER.days, seconds=1)
        now = clock.now()
        (one,) = workers.disagreements(me, until=workers.shown_until(now))
        assert one.verdict.id == verdict.id

    def test_agreement_is_of_people_whom_two_called(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=20)
        cases(cast, good=2, bad=2)
        skill = skill_of(cast.verifier)
        answer_gold(cast.verifier)
        first = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        other = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        judged_too(cast, first, Outcome.CORRECTED)
        judged_too(cast, other, Outcome.DENIES)
        found = workers.figures(skill, now=clock.now())
        assert found.agreement == Share(1, 2)
        assert (found.calls, found.reached) == (3, Share(3, 3))


class TestAppeal:
    def test_upheld_takes_the_error_out_and_retires_the_case(self, cast: Cast) -> None:
        made, skill = _appeal(cast)
        appeals.decide(
            appeal_id=made.id, is_upheld=True, reason="it rings again", actor=cast.admin.actor
        )
        assert made.status is AppealStatus.UPHELD
        assert gold.known_calls(skill) == []
        check = db.session.get_one(GoldCheck, made.check_id)
        (stock,) = [one for one in gold_stock.cases() if one.case.id == check.case_id]
        assert stock.case.status is GoldCaseStatus.RETIRED
        with pytest.raises(Conflict):
            appeals.decide(appeal_id=made.id, is_upheld=False, reason="no", actor=cast.admin.actor)

    def test_refused_changes_nothing(self, cast: Cast) -> None:
        made, skill = _appeal(cast)
        appeals.decide(
            appeal_id=made.id, is_upheld=False, reason="we called it", actor=cast.admin.actor
        )
        assert [one.is_right for one in gold.known_calls(skill)] == [False]

    def test_is_not_ones_own_to_decide(self, cast: Cast) -> None:
        made, _ = _appeal(cast)
        mine = Actor(
            "user", cast.verifier.user.id, cast.admin.organization.id, cast.admin.actor.permissions
        )
        with pytest.raises(Forbidden):
            appeals.decide(appeal_id=made.id, is_upheld=True, reason="trust me", actor=mine)

    def test_tells_nothing_of_a_call_that_is_not_shown_yet(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=2, bad=2)
        skill_of(cast.verifier)
        known = answer_gold(cast.verifier, rightly=False)
        ordinary = report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        for verdict in (known, ordinary):
            with pytest.raises(NotFound):
                appeals.appeal(
                    verdict_id=verdict.id,
                    text="was this one known?",
                    verifier_id=cast.verifier.user.id,
                    actor=cast.verifier.actor,
                )


def _err(cast: Cast) -> Qualification:
    """Three errors in known calls: more than the first look allows."""
    make_sample(cast.seller, leads=20)
    cases(cast, good=4, bad=4)
    skill = skill_of(cast.verifier)
    for _ in range(3):
        answer_gold(cast.verifier, rightly=False)
        report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
    return skill


def _skip(verifier: Player) -> None:
    task = claimed(verifier)
    tasks.release(
        task_id=task.id, lease_number=task.lease_number, reason="line", actor=verifier.actor
    )


def _appeal(cast: Cast) -> tuple[Appeal, Qualification]:
    make_sample(cast.seller)
    cases(cast, good=2, bad=2)
    skill = skill_of(cast.verifier)
    verdict = answer_gold(cast.verifier, rightly=False)
    later(days=SHOWN_AFTER.days, seconds=1)
    made = appeals.appeal(
        verdict_id=verdict.id,
        text="somebody else answered",
        verifier_id=cast.verifier.user.id,
        actor=cast.verifier.actor,
    )
    return made, skill
