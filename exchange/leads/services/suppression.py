"""Verbs of suppression: somebody is never offered, sold or delivered again, at once.

The entry decides: orders and deliveries ask for it in their own transactions. That the leads leave
sale follows in every lot, so that they are not shown and counted any longer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select, text

from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, get
from exchange.core.ids import uuid7
from exchange.core.states import transition_all
from exchange.leads import people
from exchange.leads.models import Batch, ContactChannel, Lead, LeadStatus
from exchange.leads.rights import PersonList

# A list of a hundred thousand is a few statements, none of them near the time that one may take.
ENTERED_AT_ONCE: Final = 10_000
ENTER: Final = text(
    """
    INSERT INTO suppression_entry
           (id, created_at, hash, organization_id, list_id, channel, origin, listed_on)
    SELECT given.id, :now, given.hash, :organization_id, :list_id, :channel, :origin, :listed_on
      FROM unnest(CAST(:ids AS uuid[]), CAST(:hashes AS bytea[])) AS given (id, hash)
     ORDER BY given.hash
    ON CONFLICT (hash, organization_id, list_id) DO NOTHING
    """
)
# What is set aside may come back on sale, and is called for that.
STOPPED: Final = (LeadStatus.VALID, LeadStatus.IN_REVIEW, LeadStatus.QUARANTINED)


def suppress_person(*, lead_id: UUID, origin: str, actor: Actor) -> None:
    """Suppress the person behind a lead for everybody, in every lot; doing it twice is fine."""
    hashes = people.hashes_of([lead_id])
    if not hashes:
        return  # erased: nothing is left that could be offered
    enter(hashes, origin=origin)
    events.record("person.suppressed", subject=get(Lead, lead_id), actor=actor, origin=origin)
    take_off_sale(people.leads_of_people(hashes), actor=actor)


def enter(
    hashes: Collection[bytes],
    *,
    origin: str,
    person_list: PersonList | None = None,
    listed_on: date | None = None,
) -> None:
    """Write the entries, for everybody or as part of a list; what stands there already stays."""
    values = {
        "now": clock.after_lock(),
        "organization_id": person_list and person_list.organization_id,
        "list_id": person_list and person_list.id,
        "channel": str(person_list.channel if person_list else ContactChannel.ANY),
        "origin": origin,
        "listed_on": listed_on or clock.now().date(),
    }
    ordered = sorted(hashes)
    for start in range(0, len(ordered), ENTERED_AT_ONCE):
        some = ordered[start : start + ENTERED_AT_ONCE]
        given = {"ids": [uuid7() for _ in some], "hashes": some}
        db.session.execute(ENTER, {**values, **given})


def take_off_sale(lead_ids: Sequence[UUID], *, actor: Actor) -> int:
    """Let leads leave sale for good, one event per lot; returns how many were on it.

    Leads are locked in the order of their ids, as whoever buys them does.
    """
    mine = Lead.id == any_(literal(list(lead_ids), ARRAY(Uuid)))
    statement = select(Lead.id, Lead.batch_id).where(mine, Lead.status.in_(STOPPED))
    locked = db.session.execute(statement.order_by(Lead.id).with_for_update(key_share=True)).all()
    moved = 0
    for batch_id in sorted({row.batch_id for row in locked}):
        moved += transition_all(
            Lead,
            where=[Lead.batch_id == batch_id, mine],
            to=LeadStatus.SUPPRESSED,
            parent=get(Batch, batch_id),
            actor=actor,
        )
    return moved
