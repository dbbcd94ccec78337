"""Verb of repeats: the same seller's person asked again, and the live lead is the warmer for it.

A repeat is interest, not rubbish (decision 4): the row is a duplicate, the lead counts one more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from exchange.core import events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db
from exchange.core.events import Ref

ASKS_MAX: Final = 1_000  # beyond it nobody counts
# In the order of ids, as whoever buys leads locks them.
ATTACH: Final = text(
    """
    WITH again AS (
      SELECT lead_id, count(*) AS asks, max(asked_at) AS asked_at
        FROM unnest(CAST(:lead_ids AS uuid[]), CAST(:asked_at AS timestamptz[]))
             AS given (lead_id, asked_at)
       GROUP BY lead_id
    ), locked AS (
      SELECT lead.id FROM lead JOIN again ON again.lead_id = lead.id
       WHERE lead.status <> 'purged'
       ORDER BY lead.id FOR NO KEY UPDATE OF lead
    )
    UPDATE lead
       SET asks = least(lead.asks + again.asks, :asks_max),
           last_asked_at = greatest(coalesce(lead.last_asked_at, lead.requested_at), again.asked_at)
      FROM again, locked
     WHERE lead.id = again.lead_id AND lead.id = locked.id
    RETURNING lead.id, lead.sold, lead.organization_id
    """
)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Somebody who is in the vertical already asked again, at that moment, through that source."""

    lead_id: UUID
    asked_at: datetime
    source_id: UUID


def attach(repeats: Sequence[Repeat], *, actor: Actor = SYSTEM) -> None:
    """Attach repeats to their live leads, in one statement; whoever holds one is told.

    Each lead gets one event with how often, when last and through which sources; an erased one
    stays as it is.
    """
    if not repeats:
        return
    by_lead: defaultdict[UUID, list[Repeat]] = defaultdict(list)
    for repeat in repeats:
        by_lead[repeat.lead_id].append(repeat)
    given = {
        "lead_ids": [repeat.lead_id for repeat in repeats],
        "asked_at": [repeat.asked_at for repeat in repeats],
        "asks_max": ASKS_MAX,
    }
    for row in db.session.execute(ATTACH, given).all():
        mine = by_lead[row.id]
        events.record(
            "lead.asked_again",
            subject=Ref("lead", row.id),
            actor=actor,
            organization_id=row.organization_id,
            times=len(mine),
            asked_at=max(repeat.asked_at for repeat in mine).isoformat(),
            sources=sorted({str(repeat.source_id) for repeat in mine}),
            sold=row.sold,
        )
