"""Verbs of promised call-backs: whoever promised may put them off, or give them to a colleague."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, get, lock
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.identity import queries as identity
from exchange.identity.models import Organization, User
from exchange.identity.permissions import Permission, permissions_of
from exchange.verification.models import TaskStatus, VerificationTask
from exchange.verification.queries.tasks import has_judged
from exchange.verification.queries.workers import skills_of
from exchange.verification.services import gold, tasks


def put_off(*, task_id: UUID, by: timedelta, actor: Actor) -> VerificationTask:
    """Call so much later, counted from the promised time or from now if that is over.

    Raises NotFound for what the actor did not promise, Conflict where the call went on meanwhile,
    Invalid beyond the days within which the vertical lets a person be called.
    """
    task = _promised(task_id, actor)
    now = clock.after_lock()
    due = max(task.not_before, now) + by
    vertical = get(Vertical, task.vertical_id)
    days = catalog.get_terms(vertical).attempts.days_max
    due = tasks.hours_at(vertical, time_zone=task.time_zone).next_open(due) or due
    if due > now + timedelta(days=days):
        text = f"Promise a time from now on, within {days} days."
        raise Invalid(errors=(FieldProblem("/minutes", "value_not_allowed", text),))
    task.not_before = due
    db.session.flush()
    events.record("task.put_off", subject=task, actor=actor, minutes=int(by.total_seconds() // 60))
    return task


def hand_over(*, task_id: UUID, to_id: UUID, actor: Actor) -> VerificationTask:
    """Give a call-back to a colleague who may make it. Raises NotFound, Conflict, Invalid."""
    task = _promised(task_id, actor)
    assert actor.organization_id is not None
    colleagues = colleagues_of(tasks.verifier_of(actor), organization_id=actor.organization_id)
    skill = (task.vertical_id, task.language)
    may = to_id in {one.id for one in colleagues} and skill in skills_of(to_id)
    may = may and not has_judged(to_id, lead_id=task.lead_id)
    if not may or not gold.hand_over(task, to_id=to_id):
        text = "This colleague cannot make the call."
        raise Invalid(errors=(FieldProblem("/colleague", "value_not_allowed", text),))
    task.promised_to_id = to_id
    db.session.flush()
    events.record("task.handed_over", subject=task, actor=actor, to=str(to_id))
    return task


def colleagues_of(verifier_id: UUID, *, organization_id: UUID) -> Sequence[User]:
    """Who else of the organization calls people, by name."""
    kind = get(Organization, organization_id).kind
    others = [
        member.user
        for member in identity.team(organization_id)
        if member.user_id != verifier_id
        and Permission.TASK_WORK in permissions_of(kind, member.role)
    ]
    return sorted(others, key=lambda user: (user.name, user.id))


def _promised(task_id: UUID, actor: Actor) -> VerificationTask:
    task = lock(VerificationTask, task_id)
    if task.promised_to_id != tasks.verifier_of(actor):
        raise NotFound
    if task.status is not TaskStatus.QUEUED:
        raise Conflict("The call went on meanwhile.", code="task_taken")
    return task
