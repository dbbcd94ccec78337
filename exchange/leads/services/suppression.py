"""Verbs of suppression: somebody is never offered, sold or delivered again, at once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, get
from exchange.core.ids import uuid7
from exchange.core.states import transition_all
from exchange.leads.models import Batch, Contact, Lead, LeadStatus, SuppressionEntry


def suppress_person(*, lead_id: UUID, origin: str, actor: Actor) -> None:
    """Suppress the person behind a lead, in every lot; doing it twice is fine."""
    contact = db.session.get(Contact, lead_id)
    if contact is None:
        return  # erased: nothing is left that could be offered
    hashes = [value for value in (contact.phone_index, contact.email_index) if value]
    now = clock.now()
    for value in hashes:
        row = {"id": uuid7(), "hash": value, "origin": origin, "created_at": now}
        statement = insert(SuppressionEntry).on_conflict_do_nothing(index_elements=["hash"])
        db.session.execute(statement.values({**row, "listed_on": now.date()}))
    events.record("person.suppressed", subject=get(Lead, lead_id), actor=actor, origin=origin)
    _suppress_leads(hashes, actor=actor)


def _suppress_leads(hashes: list[bytes], *, actor: Actor) -> None:
    same = or_(Contact.phone_index.in_(hashes), Contact.email_index.in_(hashes))
    inside = select(Contact.lead_id).where(same)
    lots = select(Lead.batch_id).where(Lead.id.in_(inside)).distinct()
    for batch in db.session.scalars(select(Batch).where(Batch.id.in_(lots)).order_by(Batch.id)):
        transition_all(
            Lead,
            where=[Lead.batch_id == batch.id, Lead.id.in_(inside)],
            to=LeadStatus.SUPPRESSED,
            parent=batch,
            actor=actor,
        )
