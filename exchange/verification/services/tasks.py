"""Verbs of the queue: a verifier takes the next call, keeps it for a while, gives it back.

A lease lasts fifteen minutes and has a number; whoever comes with an old number is refused, so no
call is ever judged twice. What was typed stays with the task when a lease runs out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update

from exchange.catalog import queries as catalog
from exchange.catalog.calling import CallingHours
from exchange.catalog.models import LeadSchema, Vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.clock import InstanceKind
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict, NotFound
from exchange.core.states import transition, transition_all
from exchange.identity.models import ApiKey
from exchange.leads import queries as leads
from exchange.leads.models import Batch, Lead
from exchange.verification.models import Inspection, TaskStatus, VerificationTask
from exchange.verification.policy import ANY_HOUR, LocalHours
from exchange.verification.queries.tasks import takeable

LEASE: Final = timedelta(minutes=15)
# Somebody who promised to call back has so long to begin; after that anybody may.
PROMISE_KEPT: Final = timedelta(minutes=30)
# A lead that asked so recently is hot: it is called before older ones.
FRESH: Final = timedelta(hours=24)
SKIPPED: Final = timedelta(minutes=10)
ROUNDS_MAX: Final = 100
NEVER: Final = timedelta(days=365)


def queue(
    asked: Iterable[tuple[Inspection, Lead]], *, is_urgent: bool = False, actor: Actor
) -> list[VerificationTask]:
    """Put a call for each inspection into the queue; they are due when the person may be called."""
    del actor  # being queued is no event of its own: the inspection says who asked
    now, made = clock.now(), []
    places = _Places()
    for inspection, lead in asked:
        zone, hours, language = places.of(lead)
        made.append(
            save(
                VerificationTask(
                    inspection_id=inspection.id,
                    vertical_id=lead.vertical_id,
                    language=language,
                    time_zone=zone,
                    is_urgent=is_urgent or now - lead.requested_at < FRESH,
                    not_before=LocalHours(hours, zone).next_open(now) or now + NEVER,
                    place=inspection.position or 0,
                )
            )
        )
    return made


def claim_next(
    *, verifier_id: UUID, organization_id: UUID, actor: Actor
) -> VerificationTask | None:
    """Take the next call for a verifier, or the one that is taken already; None when nothing waits.

    First come call-backs that the verifier promised and calls whose text they typed before, then
    hot leads, then what has waited longest. Never a lead of the verifier's own organizations, nor
    one they judged before, nor a person who may not be called at this hour.
    """
    _wait_for_own_claims(verifier_id)
    now = clock.after_lock()
    held = _held(verifier_id)
    if held is not None:
        if held.lease_until and held.lease_until > now:
            return held
        _give_back(held, actor=actor)
    may = takeable(verifier_id=verifier_id, organization_id=organization_id, now=now)
    for wanted in _queues(verifier_id, now=now):
        for _ in range(ROUNDS_MAX):
            task = _first([*may, *wanted])
            if task is None:
                break
            if _hours_of(get(Vertical, task.vertical_id), task.time_zone).is_open(now):
                return _take(task, verifier_id=verifier_id, now=now, actor=actor)
            _put_off(task, now=now)
    return None


def claim(
    *, task_id: UUID, verifier_id: UUID, organization_id: UUID, actor: Actor
) -> VerificationTask:
    """Take this very call again after its lease ran out. Raises Conflict when it is gone."""
    _wait_for_own_claims(verifier_id)
    now = clock.after_lock()
    held = _held(verifier_id)
    if held is not None and held.id != task_id:
        _give_back(held, actor=actor)
    may = takeable(verifier_id=verifier_id, organization_id=organization_id, now=now)
    if held is None or held.id != task_id:
        held = _first([*may, VerificationTask.id == task_id])
    if held is None:
        raise Conflict("Somebody else has taken this call meanwhile.", code="task_taken")
    return _take(held, verifier_id=verifier_id, now=now, actor=actor)


def release(*, task_id: UUID, lease_number: int, reason: str = "", actor: Actor) -> None:
    """Give a call back. With a reason it is skipped: others come first for ten minutes."""
    task = require_lease(task_id=task_id, lease_number=lease_number, actor=actor)
    if reason:
        task.not_before = clock.now() + SKIPPED
    _give_back(task, actor=actor, reason=reason)


def extend(*, task_id: UUID, lease_number: int, actor: Actor) -> VerificationTask:
    """Keep a call for another fifteen minutes. Raises Conflict when the lease is over."""
    task = require_lease(task_id=task_id, lease_number=lease_number, actor=actor)
    task.lease_until = clock.after_lock() + LEASE
    db.session.flush()
    return task


def save_draft(
    *, task_id: UUID, lease_number: int, draft: dict[str, Any], actor: Actor
) -> VerificationTask:
    """Keep what was typed so far, for the verifier who typed it. Raises Conflict."""
    task = require_lease(task_id=task_id, lease_number=lease_number, actor=actor)
    task.draft = {**draft, "by": str(task.claimed_by_id)}
    db.session.flush()
    return task


def expire_leases() -> int:
    """Put calls back into the queue whose lease is over; what was typed stays with them."""
    now = clock.after_lock()
    statement = (
        select(VerificationTask)
        .where(VerificationTask.status == TaskStatus.CLAIMED, VerificationTask.lease_until <= now)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    expired = db.session.scalars(statement).all()
    for task in expired:
        _give_back(task, actor=SYSTEM, reason="lease_over")
    return len(expired)


def require_lease(*, task_id: UUID, lease_number: int, actor: Actor) -> VerificationTask:
    """The task, locked, if the actor's verifier holds it under this lease now.

    Raises NotFound for somebody else's, Conflict `lease_over` for one that ran out.
    """
    task, verifier_id = lock(VerificationTask, task_id), verifier_of(actor)
    if not was_held_by(task, verifier_id):
        raise NotFound
    is_held = task.status is TaskStatus.CLAIMED and task.claimed_by_id == verifier_id
    is_running = task.lease_until is not None and clock.after_lock() < task.lease_until
    if not (is_held and is_running and task.lease_number == lease_number):
        raise Conflict(
            "Your fifteen minutes for this call are over. What you typed is kept.",
            code="lease_over",
        )
    return task


def verifier_of(actor: Actor) -> UUID:
    """The person who works: the user, or the one who made the personal key (decision 49)."""
    assert actor.id is not None
    return get(ApiKey, actor.id).created_by_id if actor.kind == "key" else actor.id


def was_held_by(task: VerificationTask, verifier_id: UUID) -> bool:
    """Whether the verifier holds the task or was the last one who typed into it."""
    return task.claimed_by_id == verifier_id or task.draft.get("by") == str(verifier_id)


def requeue(
    task: VerificationTask, *, not_before: datetime, promised_to: UUID | None, actor: Actor
) -> None:
    """Put a call back after an attempt that settled nothing; the next one begins empty."""
    task.not_before = not_before
    task.promised_to_id = promised_to
    task.draft = {}
    _give_back(task, actor=actor)


def take_back(
    task: VerificationTask, *, verifier_id: UUID, draft: dict[str, Any], actor: Actor
) -> None:
    """Hold a call again whose verdict was undone, with what had been typed."""
    held = _held(verifier_id)
    if held is not None and held.id != task.id:
        _give_back(held, actor=actor)
    task.promised_to_id = None
    task.draft = {**draft, "by": str(verifier_id)}
    _take(task, verifier_id=verifier_id, now=clock.after_lock(), actor=actor)


def cancel(*, inspections: ColumnElement[bool], parent: Inspection | Any, actor: Actor) -> int:
    """Take the waiting calls of these inspections out of the queue; calls under way go on."""
    asked = select(Inspection.id).where(inspections)
    return transition_all(
        VerificationTask,
        where=[VerificationTask.inspection_id.in_(asked)],
        to=TaskStatus.CANCELLED,
        parent=parent,
        actor=actor,
    )


def hours_of(task: VerificationTask) -> LocalHours:
    """When the person behind a task may be called."""
    return _hours_of(get(Vertical, task.vertical_id), task.time_zone)


def _hours_of(vertical: Vertical, time_zone: str) -> LocalHours:
    if clock.instance_kind() is not InstanceKind.LIVE:
        return LocalHours(ANY_HOUR, time_zone)
    return LocalHours(catalog.get_terms(vertical).calling_hours, time_zone)
