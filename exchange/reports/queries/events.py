"""The event log as its readers may see it: an organization its own, the operator everything."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, tuple_

from exchange.core import ids
from exchange.core.db import Record, db
from exchange.core.errors import NotFound
from exchange.core.events import Event, Ref
from exchange.core.pagination import LIMIT, LIMIT_MAX, Page


def events(
    *,
    viewer: UUID | None,
    event_type: str = "",
    subject: Ref | None = None,
    actor_id: UUID | None = None,
    since: datetime | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Event]:
    """The events of the viewer's organization, or everybody's for staff (viewer None).

    A type that ends in a dot asks for all events of that noun. Raises NotFound for a cursor that
    no page gave out.
    """
    statement = select(Event)
    if viewer is not None:
        about = (Event.subject_kind == "organization") & (Event.subject_id == viewer)
        statement = statement.where(or_(Event.organization_id == viewer, about))
    if event_type:
        exact = Event.type == event_type
        noun = Event.type.startswith(event_type, autoescape=True)
        statement = statement.where(noun if event_type.endswith(".") else exact)
    if subject:
        same = (Event.subject_kind == subject.kind, Event.subject_id == subject.id)
        statement = statement.where(*same)
    if actor_id:
        statement = statement.where(Event.actor_id == actor_id)
    if since:
        statement = statement.where(Event.occurred_at >= since)
    place = tuple_(Event.occurred_at, Event.id)
    if cursor:
        statement = statement.where(place < tuple_(*_place_of(cursor)))
    limit = min(limit, LIMIT_MAX)
    ordered = statement.order_by(Event.occurred_at.desc(), Event.id.desc()).limit(limit + 1)
    found = db.session.scalars(ordered).all()
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].public_id if more else None)


def _place_of(cursor: str) -> tuple[datetime, UUID]:
    event_id = ids.decode(Event.PREFIX, cursor)
    moment = db.session.scalar(select(Event.occurred_at).where(Event.id == event_id))
    if event_id is None or moment is None:
        raise NotFound
    return moment, event_id


def find_ref(public_id: str) -> Ref | None:
    """What a public id refers to, of whatever kind; None for text that is no id of ours."""
    for model in Record.__subclasses__():
        found = ids.decode(model.PREFIX, public_id.strip())
        if found is not None:
            return Ref(model.KIND, found)
    return None
