"""Verbs of oversight: whoever errs, hurries or skips too often is paused, and somebody decides.

What known calls tell is judged half a minute late, when nothing can be undone any more: a pause
must not say which call it was for. A pause stops new calls; the one that is held may be finished.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, lock
from exchange.core.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from exchange.core.states import transition
from exchange.identity.permissions import Permission
from exchange.verification.models import Verdict, VerificationTask
from exchange.verification.queries import gold
from exchange.verification.queries import workers as queries
from exchange.verification.queries.tasks import UNDO_TIME
from exchange.verification.sampling import Decision
from exchange.verification.services import qualifications
from exchange.verification.worker_models import Qualification, QualificationStatus
from exchange.verification.workers import LIMITS, PauseRule, is_too_fast, judge_errors

# A worker's answers of so long are looked at again; older ones were, or nothing came since.
REVIEWED: Final = timedelta(hours=24)


def after_verdict(verdict: Verdict, task: VerificationTask, *, people_are_called: bool) -> None:
    """Somebody has worked: the skips in a row end, hurry is noticed.

    Where nobody is called, on a sandbox or a demo, a card is read as fast as one reads.
    """
    skill = _skill_of(task, verifier_id=verdict.verifier_id)
    if skill is None:
        return
    skill.skips_in_a_row = 0
    if people_are_called and _hurries(skill):
        pause(qualification_id=skill.id, reason=PauseRule.TOO_FAST, actor=SYSTEM)


def after_skip(task: VerificationTask, *, verifier_id: UUID) -> None:
    """Somebody has passed a call on: now and then is fine, in a row is not."""
    skill = _skill_of(task, verifier_id=verifier_id)
    if skill is None:
        return
    skill.skips_in_a_row += 1
    db.session.flush()
    if skill.skips_in_a_row >= LIMITS[PauseRule.SKIPS].in_a_row:
        pause(qualification_id=skill.id, reason=PauseRule.SKIPS, actor=SYSTEM)


def review_due() -> int:
    """Judge everybody whose known calls were answered lately; returns how many are paused."""
    now = clock.now()
    until = now - UNDO_TIME
    paused = 0
    for skill in queries.answered_since(now - REVIEWED):
        known = gold.known_calls(skill, since=skill.qualified_at, until=until)
        run = judge_errors([one.is_right is False for one in known])
        if run.decision is Decision.REJECT:
            pause(qualification_id=skill.id, reason=PauseRule.GOLD_ERRORS, actor=SYSTEM)
            paused += 1
    return paused


def pause(*, qualification_id: UUID, reason: str, actor: Actor) -> Qualification:
    """Give somebody no more calls of a skill, for a rule or for a reason that a person gives.

    Raises NotFound for somebody else's people, Invalid without a reason.
    """
    skill = _require_mine(qualification_id, actor=actor)
    _require_reason(reason)
    if skill.status is not QualificationStatus.QUALIFIED:
        return skill
    skill.reason = str(reason)
    _move(skill, QualificationStatus.PAUSED, reason=str(reason), actor=actor)
    return skill


def resume(*, qualification_id: UUID, reason: str, actor: Actor) -> Qualification:
    """Let somebody go on. With the operator's word errors count anew, and known calls come often.

    A shift lead's pauses forgive no errors. Raises NotFound, Invalid without a reason, Conflict for
    who is not paused, and Forbidden where only the operator may: for errors in known calls.
    """
    skill = _require_paused(qualification_id, reason=reason, actor=actor)
    limit = LIMITS.get(PauseRule(skill.reason)) if skill.reason in LIMITS else None
    if limit and not limit.lead_may_lift and not actor.may(Permission.GOLD_MANAGE):
        text = (
            "Only the operator lets somebody go on who erred in known calls. Send them to training."
        )
        raise Forbidden(text)
    skill.skips_in_a_row, since = 0, skill.qualified_at
    qualifications.grant(
        verifier_id=skill.verifier_id,
        vertical_id=skill.vertical_id,
        language=skill.language,
        actor=actor,
        note=reason,
    )
    if not actor.may(Permission.GOLD_MANAGE):
        skill.qualified_at = since
        db.session.flush()
    return skill


def retrain(*, qualification_id: UUID, reason: str, actor: Actor) -> Qualification:
    """Send somebody who is paused back to training and exam. Raises as `resume` does."""
    skill = _require_paused(qualification_id, reason=reason, actor=actor)
    skill.skips_in_a_row = skill.practised = 0
    skill.reason = reason
    _move(skill, QualificationStatus.LEARNING, reason=reason, actor=actor)
    return skill


def _hurries(skill: Qualification) -> bool:
    many = LIMITS[PauseRule.TOO_FAST].in_a_row
    last = queries.last_verdicts(skill, limit=many)
    quick = [v for v in last if is_too_fast(Outcome(v.code), seconds=v.seconds)]
    return len(quick) >= many


def _skill_of(task: VerificationTask, *, verifier_id: UUID) -> Qualification | None:
    statement = select(Qualification).where(
        Qualification.verifier_id == verifier_id,
        Qualification.vertical_id == task.vertical_id,
        Qualification.language == task.language,
    )
    return db.session.scalar(statement.with_for_update())


def _require_paused(qualification_id: UUID, *, reason: str, actor: Actor) -> Qualification:
    skill = _require_mine(qualification_id, actor=actor)
    _require_reason(reason)
    if skill.verifier_id == actor.id:
        raise Forbidden("Nobody decides about their own work.")
    if skill.status is not QualificationStatus.PAUSED:
        raise Conflict("They are not paused.", code="not_paused")
    return skill


def _require_mine(qualification_id: UUID, *, actor: Actor) -> Qualification:
    """The qualification, locked, if the actor runs the floor on which its verifier works."""
    skill = lock(Qualification, qualification_id)
    if actor.kind == "system":
        return skill
    floors = {organization.id for organization in queries.floors_of(skill.verifier_id)}
    is_lead = actor.may(Permission.VERIFIER_MANAGE) and actor.organization_id in floors
    if not (is_lead or actor.may(Permission.GOLD_MANAGE)):
        raise NotFound
    return skill


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid(errors=(FieldProblem("/reason", "required", "Say why."),))


def _move(skill: Qualification, to: QualificationStatus, *, reason: str, actor: Actor) -> None:
    """Change the status; the verifier's organization may read why."""
    floor = next(iter(queries.floors_of(skill.verifier_id)), None)
    transition(
        skill,
        to,
        actor=actor,
        organization_id=floor and floor.id,
        verifier_id=str(skill.verifier_id),
        reason=reason,
    )
