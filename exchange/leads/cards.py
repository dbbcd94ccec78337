"""Questions about sources: the card, its wordings and pictures, and what came of their lots."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from exchange.core import storage
from exchange.core.crypto import WrappedKey, keyring
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.leads.models import (
    Batch,
    BatchStatus,
    ConsentText,
    Import,
    Source,
    SourceConsent,
    SourcePicture,
    SourceStatus,
)

LOTS_JUDGED: Final = 5  # of the newest, by which a source is known


@dataclass(frozen=True, slots=True)
class Wording:
    """A version of what people agreed to at a source."""

    version: int
    text: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a source so far."""

    lots: int
    rows: int
    leads: int  # valid ones
    last: Batch | None  # the newest lot


def get_source(source_id: UUID, *, viewer: UUID | None) -> Source:
    """A seller's own source; staff look with viewer None. Raises NotFound."""
    source = get(Source, source_id)
    if viewer is not None and source.organization_id != viewer:
        raise NotFound
    return source


def all_sources(*, status: SourceStatus | None = None, limit: int = 200) -> Sequence[Source]:
    """Everybody's sources for staff, newest first."""
    statement = select(Source).order_by(Source.id.desc()).limit(limit)
    return db.session.scalars(
        statement.where(Source.status == status) if status else statement
    ).all()


def wordings(source_id: UUID) -> Sequence[Wording]:
    """Every version of the consent text of a source, newest first."""
    rows = db.session.execute(
        select(SourceConsent.version, ConsentText.text, SourceConsent.since)
        .join(ConsentText, ConsentText.id == SourceConsent.text_id)
        .where(SourceConsent.source_id == source_id)
        .order_by(SourceConsent.version.desc())
    )
    return [Wording(*row) for row in rows]


def current_wording(source_id: UUID) -> Wording | None:
    """The consent text in force."""
    return next(iter(wordings(source_id)), None)


def wording_of(batch: Batch) -> Wording | None:
    """The consent text that stood for empty cells of a lot's file; None where none did."""
    draft = get(Import, batch.import_id) if batch.import_id else None
    version = draft.consent_version if draft else None
    return next((one for one in wordings(batch.source_id) if one.version == version), None)


def find_picture(source_id: UUID) -> SourcePicture | None:
    """The newest picture of a source."""
    return db.session.scalar(
        select(SourcePicture)
        .where(SourcePicture.source_id == source_id)
        .order_by(SourcePicture.id.desc())
        .limit(1)
    )


def open_picture(picture: SourcePicture) -> BinaryIO:
    """The bytes of a picture. Raises NotFound when the file was deleted."""
    wrapped = WrappedKey(picture.key_version, picture.wrapped_key)
    secret = keyring().unwrap(wrapped, bound_to=picture.id.bytes)
    return storage.open_file(picture.public_id, secret=secret, size=picture.size)


def figures(source_ids: Collection[UUID]) -> Mapping[UUID, Figures]:
    """What came of these sources; one without a lot is missing."""
    counted = db.session.execute(
        select(
            Batch.source_id,
            func.count().label("lots"),
            func.sum(Batch.rows_done).label("rows"),
            func.sum(Batch.valid).label("leads"),
        )
        .where(Batch.source_id.in_(source_ids), Batch.status != BatchStatus.DRAFT)
        .group_by(Batch.source_id)
    )
    newest = _newest_lots(source_ids)
    return {
        row.source_id: Figures(row.lots, int(row.rows), int(row.leads), newest.get(row.source_id))
        for row in counted
    }


def rejected_lately(source_id: UUID) -> tuple[int, int]:
    """How many of the newest decided lots of a source were rejected, and of how many."""
    decided = db.session.scalars(
        select(Batch.status)
        .where(Batch.source_id == source_id, Batch.decided_at.is_not(None))
        .order_by(Batch.decided_at.desc())
        .limit(LOTS_JUDGED)
    ).all()
    return sum(status is BatchStatus.REJECTED for status in decided), len(decided)


def _newest_lots(source_ids: Collection[UUID]) -> dict[UUID, Batch]:
    newest = (
        select(Batch)
        .where(Batch.source_id.in_(source_ids), Batch.status != BatchStatus.DRAFT)
        .order_by(Batch.source_id, Batch.id.desc())
        .ext(distinct_on(Batch.source_id))
    )
    return {batch.source_id: batch for batch in db.session.scalars(newest)}
