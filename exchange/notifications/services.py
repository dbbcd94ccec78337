"""Verbs of notices: tell an organization, and note that somebody of it has read."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update

from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import db, save
from exchange.core.events import Event
from exchange.notifications import queries
from exchange.notifications.models import Notice

Facts = dict[str, str | int]


def tell(event: Event, *, organization_id: UUID, facts: Facts) -> Notice:
    """Write one line for the organization about the event. Facts never hold a contact."""
    return save(
        Notice(
            organization_id=organization_id,
            kind=event.type,
            subject_kind=event.subject_kind,
            subject_id=event.subject.id,
            facts=facts,
        )
    )


def read(*, notice_id: UUID, actor: Actor) -> Notice:
    """Note that the organization has read a notice; safe to repeat. Raises NotFound."""
    assert actor.organization_id is not None
    notice = queries.get_notice(notice_id, viewer=actor.organization_id)
    notice.read_at = notice.read_at or clock.now()
    return notice


def read_all(*, actor: Actor) -> None:
    """Note that the organization has read everything said to it so far."""
    unread = (Notice.organization_id == actor.organization_id, Notice.read_at.is_(None))
    db.session.execute(update(Notice).where(*unread).values(read_at=clock.now()))
