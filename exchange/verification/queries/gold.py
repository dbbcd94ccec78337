"""Questions about known calls: which case is next for whom, what was answered, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, or_, select

from exchange.catalog.scripts import Outcome
from exchange.core.db import db
from exchange.identity.models import Membership
from exchange.leads.models import Lead
from exchange.verification.gold_models import (
    Exam,
    ExamStatus,
    GoldCase,
    GoldCaseStatus,
    GoldCheck,
    GoldOrigin,
)
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.queries.tasks import NOT_CALLABLE
from exchange.verification.worker_models import Qualification
from exchange.verification.workers import Answered, is_right

# A number may change hands: what two verifiers heard is trusted for so long.
TRUE_FOR: Final = timedelta(days=60)
# Colleagues talk: a person whom the whole floor has called would be known as a known call.
USES_PER_ORGANIZATION: Final = 3
LOOKED_AT: Final = 20  # cases of which one is in its calling hours


@dataclass(frozen=True, slots=True)
class Known:
    """A known call of one verifier and what became of it."""

    check: GoldCheck
    case: GoldCase
    inspection: Inspection
    has_verdict: bool  # a person may also be taken off the lists meanwhile

    @property
    def is_right(self) -> bool | None:
        """Whether the answer is right; None while there is none, or where it says nothing."""
        inspection, case = self.inspection, self.case
        if (
            not self.has_verdict
            or inspection.status is not InspectionStatus.CONCLUDED
            or inspection.code is None
        ):
            return None
        return is_right(Outcome(inspection.code), right=case.codes, is_answered=case.is_answered)

    @property
    def answered(self) -> Answered:
        """The same for the figures; only of one that is right or wrong."""
        assert self.is_right is not None
        return Answered(self.case.truth, self.is_right)


def find_cases(
    qualification: Qualification, *, truth: OutcomeClass, organization_id: UUID, now: datetime
) -> Sequence[GoldCase]:
    """Cases that may be given to the verifier now, the least used first; at most twenty."""
    verifier_id = qualification.verifier_id
    own = select(Membership.organization_id).where(Membership.user_id == verifier_id)
    used = _uses()
    used_here = _uses(GoldCheck.organization_id == organization_id)
    statement = (
        select(GoldCase)
        .join(Lead, Lead.id == GoldCase.lead_id)
        .where(
            *_may_be_given(organization_id),
            GoldCase.vertical_id == qualification.vertical_id,
            GoldCase.language == qualification.language,
            GoldCase.truth == truth,
            or_(GoldCase.origin == GoldOrigin.SEEDED, GoldCase.created_at > now - TRUE_FOR),
            Lead.status.not_in(NOT_CALLABLE),
            Lead.organization_id != organization_id,
            Lead.organization_id.not_in(own),
            ~_given_to(verifier_id),
            ~_judged_by(verifier_id),
        )
        # The rest by chance of the ids: which case comes is nobody's to foresee.
        .order_by(used_here, used, func.hashtextextended(func.text(GoldCase.id), 0))
        .limit(LOOKED_AT)
    )
    return db.session.scalars(statement).all()


def hold_case(case_id: UUID, *, organization_id: UUID) -> bool:
    """Hold a case until the transaction ends; False where it was just given as often as allowed.

    Two claims of one moment must not both be the last one: whoever does not get the lock at once
    takes another case, and what the other claim has written is counted behind the lock.
    """
    row = select(GoldCase.id).where(GoldCase.id == case_id)
    if db.session.scalar(row.with_for_update(skip_locked=True)) is None:
        return False
    return db.session.scalar(row.where(*_may_be_given(organization_id))) is not None


def was_preceded(verifier_id: UUID, *, task_id: UUID) -> bool:
    """Whether the verifier was given a known call before this one already."""
    mine = GoldCheck.verifier_id == verifier_id
    found = select(GoldCheck.id).where(mine, GoldCheck.instead_of_id == task_id)
    return db.session.scalar(found) is not None


def known_calls(
    qualification: Qualification,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    with_void: bool = False,
) -> list[Known]:
    """Known calls of a verifier's skill that are right or wrong, in the order of their answers.

    Without those that an appeal has taken out, unless they are asked for.
    """
    statement = _known().where(
        GoldCheck.verifier_id == qualification.verifier_id,
        GoldCase.vertical_id == qualification.vertical_id,
        GoldCase.language == qualification.language,
        Inspection.status == InspectionStatus.CONCLUDED,
    )
    if not with_void:
        statement = statement.where(GoldCheck.is_void.is_(False))
    if since is not None:
        statement = statement.where(Inspection.concluded_at >= since)
    if until is not None:
        statement = statement.where(Inspection.concluded_at <= until)
    found = _found(statement.order_by(Inspection.concluded_at, Inspection.id))
    return [one for one in found if one.is_right is not None]


def answered(qualification: Qualification) -> int:
    """How many known calls a verifier has answered since they were qualified, roughly.

    Those whose answer says nothing are counted too: it decides how often the next one comes.
    """
    statement = (
        select(func.count())
        .select_from(GoldCheck)
        .join(GoldCase, GoldCase.id == GoldCheck.case_id)
        .join(Inspection, Inspection.ref_id == GoldCheck.id)
        .where(
            GoldCheck.verifier_id == qualification.verifier_id,
            GoldCase.vertical_id == qualification.vertical_id,
            GoldCase.language == qualification.language,
            Inspection.purpose == InspectionPurpose.GOLD,
            Inspection.status == InspectionStatus.CONCLUDED,
        )
    )
    if qualification.qualified_at is not None:
        statement = statement.where(Inspection.concluded_at >= qualification.qualified_at)
    return db.session.scalar(statement) or 0


def given(qualification: Qualification) -> tuple[int, int]:
    """How many known calls a verifier of the skill was given, and how many bad ones among them."""
    row = db.session.execute(
        select(func.count(), func.count().filter(GoldCase.truth == OutcomeClass.BAD))
        .select_from(GoldCheck)
        .join(GoldCase, GoldCase.id == GoldCheck.case_id)
        .where(
            GoldCheck.verifier_id == qualification.verifier_id,
            GoldCase.vertical_id == qualification.vertical_id,
            GoldCase.language == qualification.language,
        )
    ).one()
    return row[0], row[1]


def calls_of_exam(exam_id: UUID) -> list[Known]:
    """Everything that was asked in an exam, in the order of the asking."""
    return _found(_known().where(GoldCheck.exam_id == exam_id).order_by(GoldCheck.id))


def waiting_of_exam(exam_id: UUID, *, now: datetime) -> VerificationTask | None:
    """A call of the exam that came back into the queue and is due, locked."""
    return db.session.scalar(
        select(VerificationTask)
        .join(Inspection, Inspection.id == VerificationTask.inspection_id)
        .join(GoldCheck, GoldCheck.id == Inspection.ref_id)
        .where(
            GoldCheck.exam_id == exam_id,
            VerificationTask.status == TaskStatus.QUEUED,
            VerificationTask.not_before <= now,
        )
        .order_by(VerificationTask.not_before)
        .limit(1)
        .with_for_update(of=VerificationTask, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def open_exam(verifier_id: UUID) -> Exam | None:
    """The exam that the verifier sits."""
    mine = Exam.verifier_id == verifier_id
    return db.session.scalar(select(Exam).where(mine, Exam.status == ExamStatus.OPEN))


def last_exam(qualification_id: UUID) -> Exam | None:
    """The newest exam of a skill."""
    mine = Exam.qualification_id == qualification_id
    return db.session.scalar(select(Exam).where(mine).order_by(Exam.id.desc()).limit(1))


def open_exams() -> Sequence[UUID]:
    """Exams that wait for their answers or for their decision."""
    return db.session.scalars(select(Exam.id).where(Exam.status == ExamStatus.OPEN)).all()


def left_behind(*, skipped_before: datetime, due_before: datetime) -> Sequence[VerificationTask]:
    """Known calls that nobody will take: skipped, or waiting since long for who is gone."""
    statement = (
        select(VerificationTask)
        .join(Inspection, Inspection.id == VerificationTask.inspection_id)
        .join(GoldCheck, GoldCheck.id == Inspection.ref_id)
        .where(
            VerificationTask.status == TaskStatus.QUEUED,
            VerificationTask.only_for_id.is_not(None),
            or_(
                GoldCheck.is_skipped & (VerificationTask.claimed_at < skipped_before),
                VerificationTask.not_before < due_before,
            ),
        )
        .with_for_update(of=VerificationTask, skip_locked=True)
    )
    return db.session.scalars(statement).all()


def find_check(inspection: Inspection) -> GoldCheck | None:
    """The known call behind a question; None of any other."""
    if inspection.purpose is not InspectionPurpose.GOLD:
        return None
    return db.session.get(GoldCheck, inspection.ref_id)


def final_verdict_of(inspection_id: UUID) -> Verdict | None:
    """The verdict that answered a question."""
    return db.session.scalar(
        select(Verdict)
        .where(
            Verdict.inspection_id == inspection_id,
            Verdict.outcome.is_not(None),
            Verdict.undone_at.is_(None),
        )
        .order_by(Verdict.id.desc())
        .limit(1)
    )


def known_of_cases() -> list[Known]:
    """Everything that was asked of anybody, without what an appeal has taken out."""
    return _found(_known().where(GoldCheck.is_void.is_(False)))


def _uses(*more: ColumnElement[bool]) -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(GoldCheck)
        .where(GoldCheck.case_id == GoldCase.id, *more)
        .correlate(GoldCase)
        .scalar_subquery()
    )


def _may_be_given(organization_id: UUID) -> list[ColumnElement[bool]]:
    """A case that is in use and was not given too often, anywhere or to this organization."""
    return [
        GoldCase.status == GoldCaseStatus.ACTIVE,
        or_(GoldCase.calls_max.is_(None), _uses() < GoldCase.calls_max),
        _uses(GoldCheck.organization_id == organization_id) < USES_PER_ORGANIZATION,
    ]


def _given_to(verifier_id: UUID) -> ColumnElement[bool]:
    mine = (GoldCheck.case_id == GoldCase.id, GoldCheck.verifier_id == verifier_id)
    return select(GoldCheck.id).where(*mine).correlate(GoldCase).exists()


def _judged_by(verifier_id: UUID) -> ColumnElement[bool]:
    """Whether the verifier has called this person before, for whatever purpose."""
    mine = (Verdict.lead_id == GoldCase.lead_id, Verdict.verifier_id == verifier_id)
    return select(Verdict.id).where(*mine).correlate(GoldCase).exists()


def _known() -> Select[GoldCheck, GoldCase, Inspection, bool]:
    mine = (Verdict.inspection_id == Inspection.id, Verdict.verifier_id == GoldCheck.verifier_id)
    said = select(Verdict.id).where(
        *mine, Verdict.outcome.is_not(None), Verdict.undone_at.is_(None)
    )
    return (
        select(GoldCheck, GoldCase, Inspection, said.correlate(Inspection, GoldCheck).exists())
        .join(GoldCase, GoldCase.id == GoldCheck.case_id)
        .join(
            Inspection,
            (Inspection.ref_id == GoldCheck.id) & (Inspection.purpose == InspectionPurpose.GOLD),
        )
    )


def _found(statement: Select[GoldCheck, GoldCase, Inspection, bool]) -> list[Known]:
    rows = db.session.execute(statement)
    return [Known(check, case, asked, said) for check, case, asked, said in rows]
