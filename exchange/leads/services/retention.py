"""Verbs of retention: what was uploaded goes when its time is over, by destroying its key.

The rows that were refused are locked under the key of their file and go with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.catalog.policies import RetentionPolicy
from exchange.core import clock, events
from exchange.core.actors import SYSTEM
from exchange.core.db import db, lock
from exchange.core.events import Event
from exchange.leads.models import Batch, Import, ImportStatus, Lead, LeadStatus
from exchange.leads.services import files, imports
from exchange.leads.services.erasures import BEING_READ

FINISHED: Final = (ImportStatus.CONFIRMED, ImportStatus.ABANDONED)


def files_due(*, limit: int) -> Sequence[UUID]:
    """Imports whose file must go: its time is over, or it holds somebody who was erased."""
    return db.session.scalars(_due().order_by(Import.id).limit(limit)).all()


def destroy_file(*, import_id: UUID) -> None:
    """Destroy a file that is due, and abandon the draft where it never became a lot.

    Safe to repeat; a file that is still being read stays.
    """
    draft = lock(Import, import_id)
    if db.session.scalar(_due().where(Import.id == import_id)) is None:
        return
    if draft.status not in FINISHED:
        imports.abandon(import_id=import_id, actor=SYSTEM)
    else:
        files.destroy(draft)
    events.record("import.file_destroyed", subject=draft, actor=SYSTEM)


def _due() -> Select[UUID]:
    now = clock.now()
    due = [_files_of(vertical, now) for vertical in db.session.scalars(select(Vertical))]
    held = select(Import.id).outerjoin(Batch, Batch.import_id == Import.id)
    return held.where(Import.file_key.is_not(None), or_(_holds_erased(), *due))


def _files_of(vertical: Vertical, now: datetime) -> ColumnElement[bool]:
    policy = catalog.get_terms(vertical).retention
    return (Import.vertical_id == vertical.id) & or_(
        _is_read(policy, now), _is_left_alone(policy, now)
    )


def _is_read(policy: RetentionPolicy, now: datetime) -> ColumnElement[bool]:
    """Became a lot long ago; the problem file is not offered any longer either."""
    old = Import.created_at < now - timedelta(days=policy.file_days)
    return (Import.status.in_(FINISHED)) & old & _is_through()


def _is_left_alone(policy: RetentionPolicy, now: datetime) -> ColumnElement[bool]:
    """A draft that nobody has touched for long: nothing was recorded of it since."""
    since = now - timedelta(days=policy.draft_days)
    touched = select(Event.id).where(
        Event.subject_kind == Import.KIND,
        Event.subject_id == Import.id,
        Event.occurred_at >= since,
    )
    return Import.status.not_in(FINISHED) & (Import.created_at < since) & ~touched.exists()


def _holds_erased() -> ColumnElement[bool]:
    purged = select(Lead.id).where(Lead.batch_id == Batch.id, Lead.status == LeadStatus.PURGED)
    return Import.status.in_(FINISHED) & _is_through() & purged.correlate(Batch).exists()


def _is_through() -> ColumnElement[bool]:
    return or_(Batch.id.is_(None), Batch.status.not_in(BEING_READ))
