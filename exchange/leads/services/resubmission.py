"""Verbs of resubmission: people of a lot that came to nothing come again, and are no new draw.

A lot of the same seller that was rejected, could not be judged or was taken back after its draw has
said something of its people already. Each row is recognised by itself, so another file, smaller
lots or other names of sources change nothing: who was found bad is refused, who was found good is
good, and everybody else waits for a full inspection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, delete, literal, or_, select, text

from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.states import transition_all
from exchange.leads.models import Batch, BatchStatus, Fingerprint, Lead, LeadStatus
from exchange.leads.people import any_of
from exchange.leads.preparing import Candidate
from exchange.leads.queries import Known

RESUBMITTED: Final = "resubmitted"
FAILED_BEFORE: Final = "failed_check_before"
# What its seller can still have sold only by bringing it again, or by a full inspection.
UNDONE: Final = (BatchStatus.REJECTED, BatchStatus.UNDECIDED, BatchStatus.WITHDRAWN)

# Right after the rows were copied: it completes what they begin as. What was found good holds for
# the same person with the same request only.
CARRY_OVER: Final = text(
    """
    WITH given AS (
      SELECT again.lead_id, earlier.id AS earlier_id, earlier.checked_at,
             again.is_same AND earlier.checked_at IS NOT NULL
               AND earlier.attributes = fresh.attributes AND earlier.region = fresh.region
               AND earlier.postal_code = fresh.postal_code AS is_good
        FROM unnest(CAST(:lead_ids AS uuid[]), CAST(:earlier_ids AS uuid[]),
                    CAST(:is_same AS boolean[])) AS again (lead_id, earlier_id, is_same)
        JOIN lead AS earlier ON earlier.id = again.earlier_id
        JOIN lead AS fresh ON fresh.id = again.lead_id
    )
    UPDATE lead
       SET checked_at = CASE WHEN is_good THEN given.checked_at END,
           repeats_id = CASE WHEN NOT is_good THEN given.earlier_id END,
           status = CASE WHEN is_good THEN lead.status ELSE 'in_review' END
      FROM given
     WHERE lead.id = given.lead_id
    RETURNING lead.id, lead.status
    """
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A person's lead in a lot that came to nothing, and what a check found of it."""

    lead_id: UUID
    batch_id: UUID
    failed_at: datetime | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Comeback:
    """A row whose person is in such a lot: nobody else has them."""

    row: Candidate
    earlier: Earlier
    is_same: bool  # by every one of the person's identities


def earlier_leads(
    known: Collection[Known], *, seller_id: UUID, is_locked: bool = True
) -> dict[UUID, Earlier]:
    """Those of the seller's own leads that stand in lots which came to nothing.

    Their lots stay what they are until the end of the transaction. A lead that was sold, or whose
    lot is being inspected whole, is live: its repeats are as anybody's.
    """
    own = {one.lead_id for one in known if one.organization_id == seller_id}
    if not own:
        return {}
    is_left = or_(
        Lead.status.in_((LeadStatus.VALID, LeadStatus.IN_REVIEW)),
        and_(
            Batch.status == BatchStatus.WITHDRAWN,
            Lead.status.in_((LeadStatus.WITHDRAWN, LeadStatus.QUARANTINED)),
        ),
    )
    statement = (
        select(Lead.id, Lead.batch_id, Lead.failed_at, Lead.checked_at)
        .join(Batch, Batch.id == Lead.batch_id)
        .where(
            _among(own),
            Batch.status.in_(UNDONE),
            Batch.decided_at.is_not(None),
            # Whoever was captured for one buyer is nobody else's, whatever became of their lot.
            Batch.contract_id.is_(None),
            or_(Lead.failed_at.is_not(None), and_(Lead.sold == 0, is_left)),
        )
        .order_by(Batch.id)
    )
    if is_locked:
        statement = statement.with_for_update(read=True, of=Batch)
    return {row.id: Earlier(*row) for row in db.session.execute(statement)}


def recognise(holders: Sequence[Known], earlier: dict[UUID, Earlier]) -> Earlier | None:
    """The earlier lead of a row's person, a bad one first; None where a live lead holds them."""
    found = [earlier.get(holder.lead_id) for holder in holders]
    if not found or None in found:
        return None
    return next((one for one in found if one and one.failed_at), found[0])


def let_go(comebacks: Sequence[Comeback], *, vertical_id: UUID) -> None:
    """The earlier leads give their people up: they leave their lots and hold no fingerprint."""
    by_batch: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for one in comebacks:
        by_batch[one.earlier.batch_id].append(one.earlier.lead_id)
    hashes = {value for one in comebacks for value in one.row.hashes}
    db.session.execute(
        delete(Fingerprint).where(
            Fingerprint.vertical_id == vertical_id,
            Fingerprint.hash.in_(any_of(hashes)),
            Fingerprint.lead_id.in_([one.earlier.lead_id for one in comebacks]),
        )
    )
    for batch_id, lead_ids in sorted(by_batch.items()):
        transition_all(
            Lead,
            where=[Lead.batch_id == batch_id, _among(lead_ids)],
            to=LeadStatus.WITHDRAWN,
            parent=get(Batch, batch_id),
            actor=SYSTEM,
            reason=RESUBMITTED,
        )


def carry_over(comebacks: Sequence[Comeback]) -> set[UUID]:
    """Give leads that were just written what is known of their people; returns those to review."""
    given = {
        "lead_ids": [one.row.id for one in comebacks],
        "earlier_ids": [one.earlier.lead_id for one in comebacks],
        "is_same": [one.is_same for one in comebacks],
    }
    rows = db.session.execute(CARRY_OVER, given)
    return {row.id for row in rows if row.status == LeadStatus.IN_REVIEW}


def _among(lead_ids: Collection[UUID]) -> ColumnElement[bool]:
    return Lead.id == any_(literal(list(lead_ids), ARRAY(Uuid)))
