"""The exchange without its guard against overselling: the control of the race test.

The test drops the constraints in the control's own database; here the reserving verb counts first
and writes afterwards, as a program does that knows nothing of other buyers, nor of a second request
of the same one.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, update

from exchange.app import create_app
from exchange.config import Settings
from exchange.core.db import db
from exchange.leads.models import Lead
from exchange.market.queries import stock
from exchange.market.services import gates, reservations
from tests.servers.meeting import meet


def claim_unguarded(lead_ids: Collection[UUID]) -> dict[UUID, int]:
    """Look who is unsold, then write that they are sold."""
    free = db.session.execute(select(Lead.id, Lead.sold).where(Lead.id.in_(lead_ids))).all()
    meet("claim")
    for row in free:
        db.session.execute(
            update(Lead).where(Lead.id == row.id).values(sold=row.sold + 1),
            execution_options={"synchronize_session": False},
        )
    return {row.id: row.sold for row in free}


def take_unguarded(wanted: stock.Wanted, quantity: int) -> dict[UUID, int]:
    """Pick without a lock; whoever picked the same leads meanwhile is not seen."""
    rows = db.session.execute(stock.candidates(wanted).limit(quantity)).all()
    found = stock.read_candidates(wanted, rows)
    picked = stock.pick(wanted, found, quantity)
    if len(picked) < quantity:
        raise reservations._sold_out(wanted, left=len(picked))  # the same words
    return claim_unguarded(picked)


reservations.take = take_unguarded
gates.enter = lambda **_who: None
app = create_app(Settings.from_environment())
