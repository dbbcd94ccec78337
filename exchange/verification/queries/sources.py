"""Questions about the sources that a lot declares."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from exchange.core.db import db
from exchange.verification.source_models import LotSource, SourceMap


def lot_sources(batch_id: UUID) -> Sequence[LotSource]:
    """The sources of a lot that are checked on their own, by number; none in a lot of one."""
    statement = select(LotSource).where(LotSource.batch_id == batch_id)
    return db.session.scalars(statement.order_by(LotSource.number)).all()


def source_map(batch_id: UUID) -> bytes | None:
    """The map that was fixed with the root, a byte to each leaf; None in a lot of one source."""
    return db.session.scalar(select(SourceMap.numbers).where(SourceMap.batch_id == batch_id))


def source_map_hash(batch_id: UUID) -> str | None:
    """What was published of the map with the root, in hexadecimal."""
    found = db.session.scalar(select(SourceMap.sha256).where(SourceMap.batch_id == batch_id))
    return found.hex() if found else None
