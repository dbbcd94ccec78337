"""Verbs of the queue: a verifier takes the next call, keeps it for a while, gives it back.

A lease lasts fifteen minutes and has a number; whoever comes with an old number is refused, so no
call is ever judged twice. What was typed stays with the task when a lease runs out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from exchange.catalog import queries as catalog
from exchange.catalog.fields import FieldSpec
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.clock import InstanceKind
from exchange.core.db import Record, db, get, lock
from exchange.core.errors import Conflict, NotFound
from exchange.core.states import transition, transition_all
from exchange.identity.models import ApiKey, Organization
from exchange.leads import queries as leads
from exchange.leads.models import Batch, Lead
from exchange.verification.models import Inspection, TaskStatus, VerificationTask
from exchange.verification.policy import ANY_HOUR, LocalHours
from exchange.verification.queries.claims import (
    Claimant,
    Found,
    find_next,
    find_this,
    one_at_a_time,
)
from exchange.verification.services import gold, oversight

LEASE: Final = timedelta(minutes=15)
# A lead that asked so recently is hot: it is called before older ones.
FRESH: Final = timedelta(hours=24)
SKIPPED: Final = timedelta(minutes=10)
ZONES_MAX: Final = 100  # closed ones that a claim looks behind
NEVER: Final = timedelta(days=365)


def queue(
    asked: Iterable[tuple[Inspection, Lead]],
    *,
    is_urgent: bool = False,
    not_before: datetime | None = None,
) -> list[VerificationTask]:
    """Put a call for each inspection into the queue; it is due when the person may be called."""
    now, places = clock.now(), _Places()
    earliest = not_before or now
    made = []
    for inspection, lead in asked:
        place = places.of(lead)
        made.append(
            VerificationTask(
                inspection_id=inspection.id,
                lead_id=lead.id,
                seller_id=lead.organization_id,
                vertical_id=lead.vertical_id,
                language=place.language,
                time_zone=place.hours.time_zone,
                is_urgent=is_urgent or now - lead.requested_at < FRESH,
                not_before=place.hours.next_open(earliest) or now + NEVER,
                place=inspection.position or 0,
            )
        )
    db.session.add_all(made)
    db.session.flush()
    return made


def claim_next(
    *,
    verifier_id: UUID,
    organization_id: UUID,
    dice: gold.Dice = gold.keyed_dice,
    actor: Actor,
) -> VerificationTask | None:
    """Take the next call for a verifier, or the one that is held already; None if nothing waits.

    First come call-backs that the verifier promised, then hot leads, then what has waited longest,
    of the verticals and languages that the verifier is qualified for. Never a lead of the
    verifier's own organizations, nor one they judged before, nor a person who may not be called at
    this hour.
    """
    whose = one_at_a_time(verifier_id=verifier_id, organization_id=organization_id)
    occasion = gold.Occasion(
        verifier_id, organization_id, whose.now, hours_at, dice, sits_exam=whose.sits_exam
    )
    instead_of = partial(gold.instead_of, occasion=occasion)
    return _claim(whose, partial(find_next, whose), instead_of=instead_of, keep=None, actor=actor)


def claim(
    *, task_id: UUID, verifier_id: UUID, organization_id: UUID, actor: Actor
) -> VerificationTask:
    """Take this very call, after its lease ran out. Raises Conflict when it is gone."""
    whose = one_at_a_time(verifier_id=verifier_id, organization_id=organization_id)
    find = partial(find_this, whose, task_id=task_id)
    task = _claim(whose, find, keep=task_id, actor=actor)
    if task is None:
        raise Conflict("This call cannot be taken now.", code="task_taken")
    return task


def release(*, task_id: UUID, lease_number: int, reason: str = "", actor: Actor) -> None:
    """Give a call back. With a reason it is skipped: others come first for ten minutes."""
    task = require_lease(task_id=task_id, lease_number=lease_number, actor=actor)
    if reason:
        task.not_before = clock.now() + SKIPPED
        gold.skip(task)
        oversight.after_skip(task, verifier_id=verifier_of(actor))
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
    statement = (
        select(VerificationTask)
        .where(
            VerificationTask.status == TaskStatus.CLAIMED,
            VerificationTask.lease_until <= clock.after_lock(),
        )
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    expired = db.session.scalars(statement).all()
    for task in expired:
        _give_back(task, actor=SYSTEM, reason="lease_over")
    return len(expired)


def require_lease(*, task_id: UUID, lease_number: int | None, actor: Actor) -> VerificationTask:
    """The task, locked, if the actor's verifier holds it now, under this lease or under any.

    Raises NotFound for somebody else's, Conflict `lease_over` for one that ran out.
    """
    task = lock(VerificationTask, task_id)
    if task.claimed_by_id != verifier_of(actor):
        raise NotFound
    is_other = lease_number is not None and lease_number != task.lease_number
    if is_other or not _is_running(task, clock.after_lock()):
        raise Conflict(
            "Your fifteen minutes for this call are over. What you typed is kept.",
            code="lease_over",
        )
    return task


def verifier_of(actor: Actor) -> UUID:
    """The person who works: the user, or the one who made the personal key (decision 49)."""
    assert actor.id is not None
    return get(ApiKey, actor.id).created_by_id if actor.kind == "key" else actor.id


def requeue(
    task: VerificationTask, *, not_before: datetime, promised_to: UUID | None, actor: Actor
) -> None:
    """Put a call back after an attempt that settled nothing; the next one begins empty."""
    task.not_before = not_before
    task.promised_to_id = promised_to
    task.draft = {}
    _give_back(task, actor=actor)


def take_back(task: VerificationTask, *, draft: dict[str, Any], actor: Actor) -> None:
    """Hold a call again whose verdict was undone, with what had been typed."""
    verifier_id, organization_id = verifier_of(actor), actor.organization_id
    assert organization_id is not None
    whose = one_at_a_time(verifier_id=verifier_id, organization_id=organization_id)
    held = find_this(whose, task_id=task.id).held_id
    if held is not None:
        _give_back(lock(VerificationTask, held), actor=actor)
    task.promised_to_id = None
    task.draft = {**draft, "by": str(verifier_id)}
    _take(task, whose, actor=actor)


def cancel(*, inspections: Sequence[ColumnElement[bool]], parent: Record, actor: Actor) -> int:
    """Take the waiting calls of these inspections out of the queue; calls under way go on."""
    asked = select(Inspection.id).where(*inspections)
    return transition_all(
        VerificationTask,
        where=[VerificationTask.inspection_id.in_(asked)],
        to=TaskStatus.CANCELLED,
        parent=parent,
        actor=actor,
    )


def hours_at(vertical: Vertical, *, time_zone: str) -> LocalHours:
    """When people of this vertical and zone may be called on this installation."""
    if clock.instance_kind() is not InstanceKind.LIVE:
        return LocalHours(ANY_HOUR, time_zone)
    return LocalHours(catalog.get_terms(vertical).calling_hours, time_zone)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and in which language somebody is called."""

    hours: LocalHours
    language: str


class _Places:
    """The places of many leads, each vertical and schema read once."""

    def __init__(self) -> None:
        self._regions: dict[UUID, FieldSpec | None] = {}
        self._known: dict[tuple[UUID, str], _Place] = {}

    def of(self, lead: Lead) -> _Place:
        """The place of a lead: its region's clock where the schema knows it."""
        region = self._region_of(lead.batch_id)
        choice = region.choice_by_value.get(lead.region) if region else None
        key = (lead.vertical_id, (choice and choice.time_zone) or "")
        if key not in self._known:
            vertical = get(Vertical, lead.vertical_id)
            hours = hours_at(vertical, time_zone=key[1] or vertical.time_zone)
            self._known[key] = _Place(hours, vertical.language)
        return self._known[key]

    def _region_of(self, batch_id: UUID) -> FieldSpec | None:
        if batch_id not in self._regions:
            schema = get(Batch, batch_id).schema_id
            self._regions[batch_id] = leads.fields_of(schema).by_name.get("region")
        return self._regions[batch_id]


def _claim(
    whose: Claimant,
    find: Callable[[], Found],
    *,
    instead_of: Callable[[VerificationTask | None], VerificationTask | None] = lambda found: found,
    keep: UUID | None,
    actor: Actor,
) -> VerificationTask | None:
    """Take what is found, unless a call is held that is to be kept: this one, or any (None).

    `instead_of` may give another call before what is found.

    Where it is too early or too late to call, everybody of that zone is put off at once, so that
    the next claim does not meet them again.
    """
    for _ in range(ZONES_MAX):
        found = find()
        if found.held_id is not None:
            held = lock(VerificationTask, found.held_id)
            is_running = _is_running(held, whose.now)
            if is_running and keep in {None, held.id}:
                return held
            _give_back(held, actor=actor, reason="" if is_running else "lease_over")
        elif not get(Organization, whose.organization_id).is_approved:
            return None  # suspended: a call that is held may be finished, nobody else is shown
        elif found.task is None or _may_be_called(found.task, whose):
            task = instead_of(found.task)
            return task and _take(task, whose, actor=actor)
    return None


def _may_be_called(task: VerificationTask, whose: Claimant) -> bool:
    """Whether the person may be called at this hour; if not, their zone waits until it opens."""
    if not whose.is_live:
        return True
    hours = hours_at(get(Vertical, task.vertical_id), time_zone=task.time_zone)
    if hours.is_open(whose.now):
        return True
    _put_off(task, until=hours.next_open(whose.now) or whose.now + NEVER, now=whose.now)
    return False


def _put_off(task: VerificationTask, *, until: datetime, now: datetime) -> None:
    same = (
        select(VerificationTask.id)
        .where(
            VerificationTask.status == TaskStatus.QUEUED,
            VerificationTask.not_before <= now,
            VerificationTask.vertical_id == task.vertical_id,
            VerificationTask.time_zone == task.time_zone,
        )
        .with_for_update(skip_locked=True)
    )
    db.session.execute(
        update(VerificationTask)
        .where(VerificationTask.id.in_(same))
        .values(not_before=until)
        .execution_options(synchronize_session=False)
    )


def _take(task: VerificationTask, whose: Claimant, *, actor: Actor) -> VerificationTask:
    clock.it_is(whose.now)
    task.claimed_by_id = whose.verifier_id
    task.claimed_at = whose.now
    task.lease_until = whose.now + LEASE
    task.lease_number += 1
    transition(task, TaskStatus.CLAIMED, actor=actor, lease_number=task.lease_number)
    return task


def _give_back(task: VerificationTask, *, actor: Actor, reason: str = "") -> None:
    # `claimed_by_id` stays: it says who came last, and a late submit is told so.
    task.lease_until = None
    transition(task, TaskStatus.QUEUED, actor=actor, reason=reason)


def _is_running(task: VerificationTask, now: datetime) -> bool:
    is_held = task.status is TaskStatus.CLAIMED
    return is_held and task.lease_until is not None and now < task.lease_until
