"""Questions about the people who call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import aliased

from exchange.catalog.models import Vertical
from exchange.catalog.scripts import Outcome
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.identity.models import Membership, Organization, User
from exchange.identity.permissions import OrganizationKind
from exchange.verification.gold_models import Appeal, AppealStatus, GoldCase, GoldCheck
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.policy import TALKED
from exchange.verification.queries.gold import Known, final_verdict_of, known_calls
from exchange.verification.worker_models import Qualification, QualificationStatus
from exchange.verification.workers import (
    SHOWN_AFTER,
    SHOWN_FROM,
    TOO_FAST_SECONDS,
    Accuracy,
    Share,
)

FIGURES_OF: Final = timedelta(days=90)
DUE_SOON: Final = timedelta(hours=1)
ROWS_MAX: Final = 500
CALLING: Final = (OrganizationKind.VERIFICATION, OrganizationKind.OPERATOR)  # who have verifiers


def find_qualification(
    verifier_id: UUID, *, vertical_id: UUID, language: str
) -> Qualification | None:
    """What a verifier may do for a vertical in a language; None where they never began."""
    return db.session.scalar(
        select(Qualification).where(
            Qualification.verifier_id == verifier_id,
            Qualification.vertical_id == vertical_id,
            Qualification.language == language,
        )
    )


def skills_of(verifier_id: UUID) -> Sequence[tuple[UUID, str]]:
    """The verticals and languages that a verifier is given calls of."""
    rows = db.session.execute(
        select(Qualification.vertical_id, Qualification.language)
        .where(
            Qualification.verifier_id == verifier_id,
            Qualification.status == QualificationStatus.QUALIFIED,
        )
        .order_by(Qualification.id)
    )
    return [(row.vertical_id, row.language) for row in rows]


def get_qualification(qualification_id: UUID, *, viewer: UUID) -> Qualification:
    """A verifier's own qualification. Raises NotFound."""
    found = db.session.get(Qualification, qualification_id)
    if found is None or found.verifier_id != viewer:
        raise NotFound
    return found


def qualifications_of(verifier_id: UUID) -> dict[tuple[UUID, str], Qualification]:
    """Everything that a verifier learns, may do or did, by vertical and language."""
    found = db.session.scalars(
        select(Qualification).where(Qualification.verifier_id == verifier_id)
    )
    return {(one.vertical_id, one.language): one for one in found}


def paused(verifier_id: UUID) -> list[tuple[Qualification, Vertical]]:
    """What a verifier is given no calls of just now."""
    rows = db.session.execute(
        select(Qualification, Vertical)
        .join(Vertical, Vertical.id == Qualification.vertical_id)
        .where(
            Qualification.verifier_id == verifier_id,
            Qualification.status == QualificationStatus.PAUSED,
        )
        .order_by(Vertical.code)
    )
    return [(skill, vertical) for skill, vertical in rows]


def floors_of(verifier_id: UUID) -> Sequence[Organization]:
    """The organizations for which somebody calls."""
    return db.session.scalars(
        select(Organization)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == verifier_id, Organization.kind.in_(CALLING))
        .order_by(Membership.id)
    ).all()


def answered_since(since: datetime) -> Sequence[Qualification]:
    """Who may call and has answered a known call since then."""
    return db.session.scalars(
        select(Qualification)
        .join(GoldCheck, GoldCheck.verifier_id == Qualification.verifier_id)
        .join(GoldCase, GoldCase.id == GoldCheck.case_id)
        .join(Inspection, Inspection.ref_id == GoldCheck.id)
        .where(
            Qualification.status == QualificationStatus.QUALIFIED,
            GoldCase.vertical_id == Qualification.vertical_id,
            GoldCase.language == Qualification.language,
            Inspection.purpose == InspectionPurpose.GOLD,
            Inspection.status == InspectionStatus.CONCLUDED,
            Inspection.concluded_at >= since,
        )
        .distinct()
        .order_by(Qualification.id)
    ).all()


def last_verdicts(skill: Qualification, *, limit: int) -> Sequence[Verdict]:
    """The verifier's last verdicts of a skill, the newest first."""
    return db.session.scalars(_verdicts_of(skill).order_by(Verdict.id.desc()).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class Figures:
    """How somebody works in a vertical and a language, of the last 90 days."""

    accuracy: Accuracy  # from known calls
    agreement: Share  # of people whom another verifier called too, the same class
    too_fast: Share  # of talks
    reached: Share  # of attempts
    calls: int

    @property
    def is_shown(self) -> bool:
        """Whether there are enough known calls for their share to mean something."""
        return self.accuracy.right.n >= SHOWN_FROM


def figures(skill: Qualification, *, now: datetime, known_until: datetime | None = None) -> Figures:
    """The figures of a verifier; of known calls those that were answered until then."""
    since = now - FIGURES_OF
    known = known_calls(skill, since=since, until=known_until)
    made = _verdicts_of(skill).where(Verdict.created_at >= since).subquery()
    is_talk = made.c.code.in_([code.value for code in TALKED])
    calls, talks, quick, silent = db.session.execute(
        select(
            func.count(),
            func.count().filter(is_talk),
            func.count().filter(is_talk, made.c.seconds < TOO_FAST_SECONDS),
            func.count().filter(made.c.code == Outcome.NOT_REACHED.value),
        ).select_from(made)
    ).one()
    return Figures(
        accuracy=Accuracy.of([one.answered for one in known]),
        agreement=_agreement(skill, since=since),
        too_fast=Share(quick, talks),
        reached=Share(calls - silent, calls),
        calls=calls,
    )


def figures_of(
    verifier_id: UUID, *, now: datetime
) -> list[tuple[Qualification, Vertical, Figures]]:
    """A verifier's own figures by skill, with the known calls that may be shown."""
    until = shown_until(now)
    return [
        (
            skill,
            db.session.get_one(Vertical, skill.vertical_id),
            figures(skill, now=now, known_until=until),
        )
        for skill in qualifications_of(verifier_id).values()
    ]


def shown_until(now: datetime) -> datetime:
    """Up to when a verifier and their shift lead are told of known calls."""
    return now - SHOWN_AFTER


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A known call that was answered wrongly, for its verifier to read."""

    known: Known
    verdict: Verdict
    vertical: Vertical
    appeal: Appeal | None


def disagreements(verifier_id: UUID, *, until: datetime) -> list[Disagreement]:
    """What a verifier answered otherwise than is known, the newest first, up to a moment."""
    found = []
    for skill in qualifications_of(verifier_id).values():
        vertical = db.session.get_one(Vertical, skill.vertical_id)
        for known in known_calls(skill, until=until, with_void=True):
            verdict = None if known.is_right else final_verdict_of(known.inspection.id)
            if verdict is not None:
                appeal = find_appeal(known.check.id)
                found.append(Disagreement(known, verdict, vertical, appeal))
    return sorted(found, key=lambda one: one.verdict.created_at, reverse=True)


def find_appeal(check_id: UUID) -> Appeal | None:
    """The appeal about a known call."""
    return db.session.scalar(select(Appeal).where(Appeal.check_id == check_id))


@dataclass(frozen=True, slots=True)
class Raised:
    """An appeal with what whoever decides has to know."""

    appeal: Appeal
    verifier: User
    organization: Organization
    case: GoldCase
    verdict: Verdict
    is_own: bool  # of whoever looks: they may not decide it


def appeals(*, organization_id: UUID | None, viewer: UUID) -> list[Raised]:
    """Appeals of an organization's verifiers, or of everybody's; open ones first."""
    statement = (
        select(Appeal, User, Organization, GoldCase, Verdict)
        .join(User, User.id == Appeal.verifier_id)
        .join(Organization, Organization.id == Appeal.organization_id)
        .join(GoldCheck, GoldCheck.id == Appeal.check_id)
        .join(GoldCase, GoldCase.id == GoldCheck.case_id)
        .join(Verdict, Verdict.id == Appeal.verdict_id)
        .order_by((Appeal.status == AppealStatus.OPEN).desc(), Appeal.id.desc())
        .limit(ROWS_MAX)
    )
    if organization_id is not None:
        statement = statement.where(Appeal.organization_id == organization_id)
    rows = db.session.execute(statement)
    return [Raised(*row, is_own=row[0].verifier_id == viewer) for row in rows]


@dataclass(frozen=True, slots=True)
class Skilled:
    """One verifier in one vertical and language."""

    qualification: Qualification
    user: User
    organization: Organization
    vertical: Vertical


def floor(organization_id: UUID | None) -> list[Skilled]:
    """Everybody who calls for an organization, or for any; who is paused stands first."""
    is_paused = Qualification.status == QualificationStatus.PAUSED
    statement = (
        select(Qualification, User, Organization, Vertical)
        .join(User, User.id == Qualification.verifier_id)
        .join(Membership, Membership.user_id == User.id)
        .join(Organization, Organization.id == Membership.organization_id)
        .join(Vertical, Vertical.id == Qualification.vertical_id)
        .where(Organization.kind.in_(CALLING))
        .order_by(is_paused.desc(), User.name, Vertical.code)
        .limit(ROWS_MAX)
    )
    if organization_id is not None:
        statement = statement.where(Organization.id == organization_id)
    return [Skilled(*row) for row in db.session.execute(statement)]


@dataclass(frozen=True, slots=True)
class Depth:
    """The queue of a vertical and language at this moment."""

    vertical: Vertical
    language: str
    waiting: int  # may be called now
    in_call: int
    due: int  # falls due within the hour
    oldest: datetime | None  # since when the one that waits longest could have been called


def depths(skills: Sequence[tuple[UUID, str]], *, now: datetime) -> list[Depth]:
    """How deep the queues of these verticals and languages are."""
    task = VerificationTask
    is_queued = task.status == TaskStatus.QUEUED
    waits = is_queued & (task.not_before <= now)
    rows = db.session.execute(
        select(
            Vertical,
            task.language,
            func.count().filter(waits),
            func.count().filter(task.status == TaskStatus.CLAIMED),
            func.count().filter(
                is_queued, task.not_before > now, task.not_before <= now + DUE_SOON
            ),
            func.min(task.not_before).filter(waits),
        )
        .join(task, task.vertical_id == Vertical.id)
        .where(
            task.status.in_((TaskStatus.QUEUED, TaskStatus.CLAIMED)),
            tuple_(task.vertical_id, task.language).in_(skills),
        )
        .group_by(Vertical.id, task.language)
        .order_by(Vertical.code, task.language)
    )
    return [Depth(*row) for row in rows]


def _agreement(skill: Qualification, *, since: datetime) -> Share:
    """Raw agreement: people whom another verifier judged too, and how often with the same class.

    Known calls are left out on both sides: they are judged by their answer.
    """
    own, theirs = aliased(Verdict), aliased(Verdict)
    asked, asked_too = aliased(Inspection), aliased(Inspection)
    pairs, same = db.session.execute(
        select(func.count(), func.count().filter(own.outcome == theirs.outcome))
        .select_from(own)
        .join(asked, asked.id == own.inspection_id)
        .join(VerificationTask, VerificationTask.id == own.task_id)
        .join(theirs, theirs.lead_id == own.lead_id)
        .join(asked_too, asked_too.id == theirs.inspection_id)
        .where(
            *_by(skill, own),
            own.created_at >= since,
            own.outcome.is_not(None),
            theirs.outcome.is_not(None),
            theirs.undone_at.is_(None),
            theirs.verifier_id != own.verifier_id,
            asked.purpose != InspectionPurpose.GOLD,
            asked_too.purpose != InspectionPurpose.GOLD,
        )
    ).one()
    return Share(same, pairs)


def _verdicts_of(skill: Qualification) -> Select[Verdict]:
    joined = select(Verdict).join(VerificationTask, VerificationTask.id == Verdict.task_id)
    return joined.where(*_by(skill, Verdict))


def _by(skill: Qualification, verdict: type[Verdict]) -> list[ColumnElement[bool]]:
    return [
        verdict.verifier_id == skill.verifier_id,
        verdict.undone_at.is_(None),
        VerificationTask.vertical_id == skill.vertical_id,
        VerificationTask.language == skill.language,
    ]
