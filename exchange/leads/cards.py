"""Questions about sources: the card, its wordings and pictures, and what came of their lots."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from exchange.core import storage
from exchange.core.crypto import WrappedKey
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.keys import keyring
from exchange.core.pagination import Page, paginate
from exchange.leads.models import Batch, BatchStatus, ConsentText, Import, Source, SourceStatus
from exchange.leads.source_cards import Collector, SourceChannel
from exchange.leads.source_models import SourceConsent, SourcePicture

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


@dataclass(frozen=True, slots=True)
class PublicCard:
    """What buyers may see of a source: no name, and of the page its host."""

    channel: SourceChannel | None
    host: str
    ad_text: str
    collected_by: Collector
    starts_on: date | None
    ends_on: date | None
    wording: Wording | None  # that the lot was read with, else the one in force
    has_picture: bool


NOTHING: Final = Figures(0, 0, 0, None)


def get_source(source_id: UUID, *, viewer: UUID | None) -> Source:
    """A seller's own source; staff look with viewer None. Raises NotFound."""
    source = get(Source, source_id)
    if viewer is not None and source.organization_id != viewer:
        raise NotFound
    return source


def all_sources(*, status: SourceStatus | None = None, cursor: str | None = None) -> Page[Source]:
    """Everybody's sources for staff, newest first."""
    statement = select(Source)
    if status is not None:
        statement = statement.where(Source.status == status)
    return paginate(statement, Source, cursor=cursor)


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


def public_card(batch: Batch) -> PublicCard:
    """The card of a lot's source, for whoever may see the lot."""
    source = get(Source, batch.source_id)
    return PublicCard(
        channel=source.channel,
        host=urlsplit(source.landing_url).hostname or "",
        ad_text=source.ad_text,
        collected_by=source.collected_by,
        starts_on=source.starts_on,
        ends_on=source.ends_on,
        wording=wording_of(batch) or current_wording(source.id),
        has_picture=find_picture(source.id) is not None,
    )


def find_picture(source_id: UUID) -> SourcePicture | None:
    """The newest picture of a source."""
    return db.session.scalar(
        select(SourcePicture)
        .where(SourcePicture.source_id == source_id)
        .order_by(SourcePicture.id.desc())
        .limit(1)
    )


def read_picture(source_id: UUID) -> tuple[bytes, str]:
    """The newest picture of a source and its content type. Raises NotFound where there is none."""
    picture = find_picture(source_id)
    if picture is None:
        raise NotFound
    wrapped = WrappedKey(picture.key_version, picture.wrapped_key)
    secret = keyring().unwrap(wrapped, bound_to=picture.id.bytes)
    with storage.open_file(picture.public_id, secret=secret, size=picture.size) as file:
        return file.read(), picture.content_type


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


def accepted_lots(source_id: UUID) -> Sequence[Batch]:
    """The lots of a source that passed their check, in their order."""
    passed = (Batch.source_id == source_id, Batch.status == BatchStatus.ACCEPTED)
    return db.session.scalars(select(Batch).where(*passed).order_by(Batch.id)).all()


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
