"""Verbs of sources: where a seller's leads come from."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import Conflict
from exchange.core.ids import uuid7
from exchange.leads import queries
from exchange.leads.models import Source, SourceStatus


def ensure_source(*, organization_id: UUID, name: str) -> Source:
    """The seller's source of this name, made when it is new. Raises Conflict for a stopped one."""
    row = {"id": uuid7(), "organization_id": organization_id, "name": name.strip()}
    row |= {"channel": "", "landing_url": "", "status": SourceStatus.ACTIVE}
    row |= {"created_at": clock.now()}
    db.session.execute(insert(Source).on_conflict_do_nothing().values(row))
    source = queries.get_source_by_name(name.strip(), viewer=organization_id)
    if source.status is not SourceStatus.ACTIVE:
        raise Conflict(f"This source is {source.status}.", code="source_stopped")
    return source
