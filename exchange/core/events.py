"""Events: the immutable fact that something happened. Audit log, trigger and notice in one.

A listener runs in the same transaction as the fact; slow work is enqueued by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import g, has_request_context
from sqlalchemy import Index, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core import clock, ids
from exchange.core.actors import Actor
from exchange.core.db import REFUSALS, Model, Record, db
from exchange.core.jobs import sweep
from exchange.core.sets import insert_rows


@dataclass(frozen=True, slots=True)
class Ref:
    """What a row is about, without a foreign key upward: a kind and an id."""

    kind: str
    id: UUID

    @classmethod
    def to(cls, record: Record) -> Ref:
        """The reference to a record."""
        return cls(record.KIND, record.id)


class Event(Model):
    """One fact. Never changed, never deleted; the table is partitioned by month."""

    __tablename__ = "event"
    PREFIX = "evt"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.uuid7)
    occurred_at: Mapped[datetime] = mapped_column(
        primary_key=True, server_default=func.exchange_now()
    )
    type: Mapped[str]  # noun.past_participle
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None]  # whose event it is, when it is somebody's
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_organization_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))

    __table_args__ = (
        Index(None, "subject_kind", "subject_id", "occurred_at"),
        Index(None, "organization_id", "occurred_at"),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )

    @property
    def public_id(self) -> str:
        """The id that people and programs outside see."""
        return ids.encode(self.PREFIX, self.id)

    @property
    def subject(self) -> Ref:
        """What the event is about."""
        assert self.subject_id is not None
        return Ref(self.subject_kind, self.subject_id)


Listener = Callable[[Event], None]
LISTENERS: defaultdict[str, list[Listener]] = defaultdict(list)


def on(event_type: str) -> Callable[[Listener], Listener]:
    """React to events of this type, inside the transaction that records them."""

    def register(listener: Listener) -> Listener:
        LISTENERS[event_type].append(listener)
        return listener

    return register


def record(
    event_type: str,
    *,
    subject: Record | Ref,
    actor: Actor,
    organization_id: UUID | None = None,
    **facts: Any,  # Any: JSON values
) -> Event:
    """Write the fact and let its listeners act. Facts never hold a contact."""
    event = _event(event_type, subject, actor=actor, owner=organization_id, facts=facts)
    db.session.add(event)
    db.session.flush()
    for listener in LISTENERS[event_type]:
        listener(event)
    return event


def record_all(
    event_type: str,
    *,
    subjects: Sequence[Ref],
    actor: Actor,
    organization_id: UUID | None = None,
    **facts: Any,  # Any: JSON values
) -> None:
    """Write the same fact about many subjects in one statement; nobody listens to such a type."""
    assert not LISTENERS[event_type]
    record_each(event_type, [Said(one, organization_id, facts) for one in subjects], actor=actor)


@dataclass(frozen=True, slots=True)
class Said:
    """A fact of one type about one subject among many."""

    subject: Ref
    organization_id: UUID | None
    facts: dict[str, Any]  # Any: JSON values


def record_each(event_type: str, said: Sequence[Said], *, actor: Actor) -> None:
    """Write a fact about each subject in one statement. No listener hears of these.

    Whoever has to act on them listens to the event of the verb that wrote them all.
    """
    if not said:
        return
    rows = [
        {
            "id": ids.uuid7(),
            "subject_kind": one.subject.kind,
            "subject_id": one.subject.id,
            "organization_id": one.organization_id,
            "facts": one.facts,
        }
        for one in said
    ]
    statement = insert_rows(
        Event,
        rows,
        type=event_type,
        occurred_at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_organization_id=actor.organization_id,
        request_id=g.get("request_id") if has_request_context() else None,
    )
    db.session.execute(statement)


def record_refusal(
    event_type: str,
    *,
    subject: Record | Ref,
    actor: Actor,
    organization_id: UUID | None = None,
    **facts: Any,  # Any: JSON values
) -> None:
    """Remember a refusal so that it outlives the rollback of the refused request."""
    event = _event(event_type, subject, actor=actor, owner=organization_id, facts=facts)
    db.session().info.setdefault(REFUSALS, []).append(event)


def keep_refusals() -> None:
    """Write the refusals so far: a part of the work was refused, the work itself goes on."""
    db.session.add_all(db.session().info.pop(REFUSALS, []))


def _event(
    event_type: str,
    subject: Record | Ref,
    *,
    actor: Actor,
    owner: UUID | None,
    facts: dict[str, Any],
) -> Event:
    ref = subject if isinstance(subject, Ref) else Ref.to(subject)
    owner = owner or getattr(subject, "organization_id", None)
    return Event(
        type=event_type,
        occurred_at=clock.now(),
        subject_kind=ref.kind,
        subject_id=ref.id,
        organization_id=owner,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_organization_id=actor.organization_id,
        request_id=g.get("request_id") if has_request_context() else None,
        facts=facts,
    )


@sweep("core.event_partitions", seconds=86_400)
def make_partitions() -> None:
    """Have the partition of this month and the next two ready before they are needed."""
    first = clock.now().date().replace(day=1)
    for ahead in range(3):
        month = (first + timedelta(days=32 * ahead)).replace(day=1)
        db.session.execute(select(func.make_event_partition(month)))
