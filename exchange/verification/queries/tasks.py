"""Questions about the queue: what a verifier may take, what they did, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import aliased

from exchange.catalog.models import Vertical
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.pagination import Page, paginate
from exchange.leads.models import Lead, LeadStatus
from exchange.verification.models import (
    Inspection,
    InspectionStatus,
    Sample,
    SampleStatus,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.queries.claims import MAY_TAKE_SKILLED
from exchange.verification.worker_models import Qualification, QualificationStatus

UNDO_TIME: Final = timedelta(seconds=30)
# A person who must not be called, or who was erased.
NOT_CALLABLE: Final = (LeadStatus.SUPPRESSED, LeadStatus.PURGED)
# Inspections with a call that is under way: whatever is dropped, it is finished.
ON_THE_PHONE: Final = select(VerificationTask.inspection_id).where(
    VerificationTask.status == TaskStatus.CLAIMED
)
# Of an inspection: somebody judged, whether or not it is settled by that.
HAS_OPINION: Final = (
    select(Verdict.id)
    .where(
        Verdict.inspection_id == Inspection.id,
        Verdict.outcome.is_not(None),
        Verdict.undone_at.is_(None),
    )
    .exists()
)


def get_task(task_id: UUID, *, viewer: UUID) -> VerificationTask:
    """A task that the verifier holds, held last or has answered. Raises NotFound."""
    mine = or_(VerificationTask.claimed_by_id == viewer, _answered_by(viewer))
    task = db.session.scalar(
        select(VerificationTask)
        .where(VerificationTask.id == task_id, mine)
        .execution_options(populate_existing=True)
    )
    if task is None:
        raise NotFound
    return task


def has_answered(task_id: UUID, *, verifier_id: UUID) -> bool:
    """Whether the verifier has said what they found in a call, for good."""
    found = select(VerificationTask.id).where(_answered_by(verifier_id))
    return db.session.scalar(found.where(VerificationTask.id == task_id)) is not None


def held_by(verifier_id: UUID, *, now: datetime) -> VerificationTask | None:
    """The call that the verifier is on."""
    return db.session.scalar(
        select(VerificationTask).where(
            VerificationTask.claimed_by_id == verifier_id,
            VerificationTask.status == TaskStatus.CLAIMED,
            VerificationTask.lease_until > now,
        )
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """Calls of one vertical that a verifier could take now."""

    vertical: Vertical
    calls: int
    oldest: datetime


def waiting(*, verifier_id: UUID, organization_id: UUID, now: datetime) -> list[Waiting]:
    """What a verifier could take now, by vertical."""
    task = aliased(VerificationTask, name="task")
    rows = db.session.execute(
        select(Vertical, func.count(), func.min(task.not_before))
        .join(task, task.vertical_id == Vertical.id)
        .where(MAY_TAKE_SKILLED)
        .group_by(Vertical.id)
        .order_by(Vertical.code),
        {"verifier_id": verifier_id, "organization_id": organization_id, "now": now},
    )
    return [Waiting(row[0], row[1], row[2]) for row in rows]


def next_due(verifier_id: UUID, *, now: datetime) -> datetime | None:
    """When the next call of the verifier's queues falls due that may not be made yet."""
    return db.session.scalar(
        select(func.min(VerificationTask.not_before))
        .join(
            Qualification,
            (Qualification.vertical_id == VerificationTask.vertical_id)
            & (Qualification.language == VerificationTask.language),
        )
        .where(
            Qualification.verifier_id == verifier_id,
            Qualification.status == QualificationStatus.QUALIFIED,
            VerificationTask.status == TaskStatus.QUEUED,
            VerificationTask.not_before > now,
        )
    )


def promised(verifier_id: UUID) -> Sequence[VerificationTask]:
    """Call-backs that the verifier promised, the next one first."""
    return db.session.scalars(
        select(VerificationTask)
        .where(
            VerificationTask.status == TaskStatus.QUEUED,
            VerificationTask.promised_to_id == verifier_id,
        )
        .order_by(VerificationTask.not_before)
        .limit(50)
    ).all()


@dataclass(frozen=True, slots=True)
class Done:
    """What a verifier did since a moment."""

    calls: int
    people: int  # calls that settled a lead or passed it on, not attempts that reached nobody
    median_seconds: int | None


def done_since(verifier_id: UUID, *, since: datetime) -> Done:
    """How many calls a verifier made since then, and how long one usually took."""
    row = db.session.execute(
        select(
            func.count(),
            func.count(Verdict.outcome),
            func.percentile_cont(0.5).within_group(Verdict.seconds),
        ).where(*_own(verifier_id), Verdict.created_at >= since)
    ).one()
    return Done(row[0], row[1], None if row[2] is None else round(row[2]))


def verdicts(verifier_id: UUID, *, cursor: str | None = None) -> Page[Verdict]:
    """A verifier's own verdicts, newest first."""
    return paginate(_verdicts(verifier_id), Verdict, cursor=cursor)


def last_verdict(verifier_id: UUID, *, now: datetime) -> Verdict | None:
    """The verdict that the verifier may still want to undo."""
    newest = _verdicts(verifier_id).order_by(Verdict.id.desc()).limit(1)
    return db.session.scalar(newest.where(Verdict.created_at > now - UNDO_TIME))


def get_verdict(verdict_id: UUID, *, viewer: UUID) -> Verdict:
    """A verifier's own verdict. Raises NotFound."""
    verdict = db.session.scalar(
        select(Verdict).where(Verdict.id == verdict_id, Verdict.verifier_id == viewer)
    )
    if verdict is None:
        raise NotFound
    return verdict


def find_verdict(task_id: UUID, *, lease_number: int) -> Verdict | None:
    """The verdict that was given under this lease."""
    return db.session.scalar(
        select(Verdict).where(Verdict.task_id == task_id, Verdict.lease_number == lease_number)
    )


def verdicts_on(inspection_id: UUID) -> Sequence[Verdict]:
    """What was found so far in an inspection, oldest first, without what was undone."""
    return db.session.scalars(
        select(Verdict)
        .where(Verdict.inspection_id == inspection_id, Verdict.undone_at.is_(None))
        .order_by(Verdict.created_at)
    ).all()


def calls_since(lead_id: UUID, *, since: datetime) -> int:
    """How often a person was called since then, for whatever purpose."""
    counted = select(func.count(Verdict.id)).where(
        Verdict.lead_id == lead_id, Verdict.created_at >= since, Verdict.undone_at.is_(None)
    )
    return db.session.scalar(counted) or 0


def has_judged(verifier_id: UUID, *, lead_id: UUID) -> bool:
    """Whether a verifier judged the lead before, for whatever purpose."""
    found = select(Verdict.id).where(
        *_own(verifier_id),
        Verdict.lead_id == lead_id,
        Verdict.code.not_in(("not_reached", "call_back")),
    )
    return db.session.scalar(found.limit(1)) is not None


def uncallable(batch_id: UUID) -> Sequence[UUID]:
    """Open inspections of a batch about people who must not be called any more, in order."""
    return db.session.scalars(
        select(Inspection.id)
        .join(Lead, Lead.id == Inspection.lead_id)
        .where(
            Lead.batch_id == batch_id,
            Lead.status.in_(NOT_CALLABLE),
            Inspection.status == InspectionStatus.OPEN,
        )
        .order_by(Inspection.ref_id, Inspection.position)
    ).all()


def left_uncallable(*, limit: int) -> Sequence[UUID]:
    """Open inspections whose call was under way when its person was taken off the lists.

    It came back into the queue since then, where nobody may take it. In the order of the samples.
    """
    return db.session.scalars(
        select(Inspection.id)
        .join(VerificationTask, VerificationTask.inspection_id == Inspection.id)
        .join(Lead, Lead.id == VerificationTask.lead_id)
        .where(
            VerificationTask.status == TaskStatus.QUEUED,
            VerificationTask.lease_number > 0,
            Lead.status.in_(NOT_CALLABLE),
            Inspection.status == InspectionStatus.OPEN,
        )
        .order_by(Inspection.ref_id, Inspection.position)
        .limit(limit)
    ).all()


def decided_with_waiting_calls() -> Sequence[UUID]:
    """Decided samples of which somebody still waits to be called."""
    return db.session.scalars(
        select(Sample.id)
        .join(Inspection, Inspection.ref_id == Sample.id)
        .join(VerificationTask, VerificationTask.inspection_id == Inspection.id)
        .where(Sample.status != SampleStatus.OPEN, VerificationTask.status == TaskStatus.QUEUED)
        .distinct()
    ).all()


def _answered_by(verifier_id: UUID) -> ColumnElement[bool]:
    return (
        select(Verdict.id)
        .where(
            Verdict.task_id == VerificationTask.id,
            Verdict.outcome.is_not(None),
            *_own(verifier_id),
        )
        .correlate(VerificationTask)
        .exists()
    )


def _verdicts(verifier_id: UUID) -> Select[Verdict]:
    return select(Verdict).where(*_own(verifier_id))


def _own(verifier_id: UUID) -> list[ColumnElement[bool]]:
    return [Verdict.verifier_id == verifier_id, Verdict.undone_at.is_(None)]
