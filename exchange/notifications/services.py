"""Verbs of notices: tell an organization, and note that somebody of it has read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, SQLColumnExpression, cast, func, update
from sqlalchemy.dialects.postgresql import JSONB, insert

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


def add_up(
    event: Event, *, organization_id: UUID, day: date, facts: Facts, counts: Mapping[str, int]
) -> None:
    """Say it in the one line of the day about the event's subject: counts are added to its own.

    The bell rings for the first of a day; who has read it finds the line grown when they look.
    """
    told = {
        "organization_id": organization_id,
        "kind": event.type,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject.id,
        "day": day,
    }
    statement = insert(Notice).values(**told, facts={**facts, **counts})
    more = statement.excluded.facts
    sums = [
        part
        for name in counts
        for part in (name, _number(Notice.facts, name) + _number(more, name))
    ]
    grown = Notice.facts.concat(func.jsonb_build_object(*sums, type_=JSONB))
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "subject_id", "kind", "day"],
            index_where=Notice.day.is_not(None),
            set_={"facts": grown},
        )
    )


def _number(facts: SQLColumnExpression[Any], name: str) -> ColumnElement[int]:
    return cast(facts[name].astext, BigInteger)


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
