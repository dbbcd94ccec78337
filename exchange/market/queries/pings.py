"""Questions about pings: by which listing their lead would be sold, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, case, func, select, true

from exchange.core.db import db, parse_id
from exchange.core.pagination import LIMIT, Page, paginate
from exchange.leads.models import Batch, BatchStatus
from exchange.leads.post_models import Post, SourceTerms
from exchange.market.models import Listing, OrderLine
from exchange.market.ping_models import Ping, PingAnswer, PingStatus

# Asked for every ping, so it is put together once.
LISTING_OF_OPEN_LOT: Final = (
    select(Listing)
    .join(Batch, Batch.id == Listing.batch_id)
    .where(
        Batch.source_id == bindparam("source_id"),
        Batch.vertical_id == bindparam("vertical_id"),
        Batch.contract_id.is_not_distinct_from(bindparam("contract_id")),
        Batch.status == BatchStatus.OPEN,
        Listing.criteria == {},
    )
)
COUNTED: Final = 10_000  # pings of a source, the last ones, by how they were answered


def listing_of_open_lot(terms: SourceTerms) -> Listing | None:
    """The listing of the lot that takes the source's next lead, where there is one."""
    asked = {
        "source_id": terms.source_id,
        "vertical_id": terms.vertical_id,
        "contract_id": terms.contract_id,
    }
    return db.session.scalar(LISTING_OF_OPEN_LOT, asked)


def pings_of(terms_id: UUID, *, cursor: str | None = None, limit: int = LIMIT) -> Page[Ping]:
    """The pings of a source that are kept, newest first; the caller may see its terms."""
    return paginate(select(Ping).where(Ping.terms_id == terms_id), Ping, cursor=cursor, limit=limit)


def pings_of_seller(
    seller_id: UUID,
    *,
    source_id: UUID | None = None,
    answer: PingAnswer | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Ping]:
    """The pings of a seller that are kept, newest first, of all sources or of one.

    The last ones of each source are found by its index, then the last of all of them.
    """
    last = select(Ping.id).where(Ping.terms_id == SourceTerms.id)
    if answer is not None:
        last = last.where(Ping.answer == answer)
    if cursor:
        last = last.where(Ping.id < parse_id(cursor, Ping))
    each = last.order_by(Ping.id.desc()).limit(limit + 1).lateral()
    own = select(each.c.id).select_from(SourceTerms).join(each, true())
    own = own.where(SourceTerms.organization_id == seller_id)
    if source_id is not None:
        own = own.where(SourceTerms.source_id == source_id)
    return paginate(select(Ping).where(Ping.id.in_(own)), Ping, cursor=cursor, limit=limit)


def ping_answers(terms_id: UUID) -> dict[tuple[PingAnswer, str], int]:
    """How often the last pings of a source were answered how, and why; the commonest first."""
    last = select(Ping.answer, Ping.reason).where(Ping.terms_id == terms_id)
    seen = last.order_by(Ping.id.desc()).limit(COUNTED).subquery()
    # What a post leaves in `reason` is its own.
    reason = case((seen.c.answer == PingAnswer.MATCHED, ""), else_=seen.c.reason)
    rows = db.session.execute(
        select(seen.c.answer, reason.label("reason"), func.count().label("n"))
        .group_by(seen.c.answer, reason)
        .order_by(func.count().desc())
    )
    return {(row.answer, row.reason): row.n for row in rows}


def sales_of_pings(pings: Sequence[Ping]) -> dict[UUID, OrderLine]:
    """By ping whose lead was posted and bought: the sale for its bid, which is the lead's first."""
    rows = db.session.execute(
        select(Ping.id, OrderLine)
        .join(Post, Post.id == Ping.post_id)
        .join(OrderLine, OrderLine.lead_id == Post.lead_id)
        .where(Ping.id.in_([ping.id for ping in pings]), Ping.status == PingStatus.ACCEPTED)
        .order_by(OrderLine.id.desc())
    )
    return {row.id: row.OrderLine for row in rows}
