"""Questions about searches that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from exchange.buyers.models import SavedSearch
from exchange.core.db import db


def saved_searches(*, viewer: UUID) -> Sequence[SavedSearch]:
    """Everything that the organization keeps, by name."""
    mine = SavedSearch.organization_id == viewer
    return db.session.scalars(select(SavedSearch).where(mine).order_by(SavedSearch.name)).all()


def searches_to_look_through(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Those that may be told of again, the longest not looked through first."""
    due = (SavedSearch.notifies, SavedSearch.quiet_until <= now)
    statement = select(SavedSearch.id).where(*due).order_by(SavedSearch.looked_at)
    return db.session.scalars(statement.limit(limit)).all()
