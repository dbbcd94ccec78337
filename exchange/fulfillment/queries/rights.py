"""Questions about people's rights after a sale: who holds a lead, who was told of an erasure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_, select

from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.events import Event
from exchange.core.invariants import invariant
from exchange.core.pagination import Page, paginate
from exchange.fulfillment.models import Delivery, DeliveryStatus, ErasureNotice
from exchange.leads.models import Contact, Lead, LeadStatus, SuppressionEntry
from exchange.leads.rights import Erasure
from exchange.market.models import LineStatus, OrderLine
from exchange.market.queries.stock import in_list

# Who was delivering at the moment somebody was listed had asked before.
TOLERANCE: Final = timedelta(minutes=1)
REMIND_AFTER: Final = timedelta(days=7)


def holders(lead_ids: Collection[UUID]) -> dict[UUID, list[OrderLine]]:
    """By buyer, the lines by which they received one of these leads, returned or not."""
    found: defaultdict[UUID, list[OrderLine]] = defaultdict(list)
    delivered = (in_list(OrderLine.lead_id, lead_ids), OrderLine.delivered_at.is_not(None))
    for line in db.session.scalars(select(OrderLine).where(*delivered).order_by(OrderLine.id)):
        found[line.buyer_id].append(line)
    return dict(found)


def orders_to_stop(*, limit: int) -> Sequence[UUID]:
    """Orders that wait for their delivery with a lead that has left sale meanwhile."""
    return db.session.scalars(
        select(Delivery.order_id)
        .join(OrderLine, OrderLine.order_id == Delivery.order_id)
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(
            Delivery.status == DeliveryStatus.PENDING,
            OrderLine.status == LineStatus.RESERVED,
            Lead.status != LeadStatus.VALID,
        )
        .distinct()
        .order_by(Delivery.order_id)
        .limit(limit)
    ).all()


def get_erasure_notice(notice_id: UUID, *, viewer: UUID) -> ErasureNotice:
    """A notice to the viewer's organization. Raises NotFound."""
    notice = get(ErasureNotice, notice_id)
    if notice.organization_id != viewer:
        raise NotFound
    return notice


def erasure_notices(
    *,
    viewer: UUID,
    only_open: bool = False,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[ErasureNotice]:
    """What a buyer was told of erased people, newest first."""
    statement = select(ErasureNotice).where(ErasureNotice.organization_id == viewer)
    if only_open:
        statement = statement.where(ErasureNotice.acknowledged_at.is_(None))
    return paginate(statement, ErasureNotice, cursor=cursor, limit=limit)


def erasures(*, cursor: str | None = None, limit: int = 25) -> Page[Erasure]:
    """Every erasure, newest first; for staff."""
    return paginate(select(Erasure), Erasure, cursor=cursor, limit=limit)


def erasure_requests(*, limit: int = 50) -> Sequence[Lead]:
    """Leads whose person asked a verifier for erasure and who are not erased yet, oldest first."""
    asked = (
        select(Event.subject_id, func.min(Event.occurred_at).label("at"))
        .where(Event.type == "erasure.requested", Event.subject_kind == Lead.KIND)
        .group_by(Event.subject_id)
        .subquery()
    )
    statement = select(Lead).join(asked, asked.c.subject_id == Lead.id)
    waiting = statement.where(Lead.status != LeadStatus.PURGED).order_by(asked.c.at)
    return db.session.scalars(waiting.limit(limit)).all()


def notices_of(erasure_id: UUID) -> Sequence[ErasureNotice]:
    """Who was told of an erasure, in the order of telling."""
    statement = select(ErasureNotice).where(ErasureNotice.erasure_id == erasure_id)
    return db.session.scalars(statement.order_by(ErasureNotice.id)).all()


def told(erasure_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """By erasure, how many buyers were told and how many have answered."""
    rows = db.session.execute(
        select(
            ErasureNotice.erasure_id,
            func.count(),
            func.count(ErasureNotice.acknowledged_at),
        )
        .where(ErasureNotice.erasure_id.in_(erasure_ids))
        .group_by(ErasureNotice.erasure_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def notices_to_remind(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Notices without an answer for a week since they were sent or said again."""
    since = now - REMIND_AFTER
    last = func.coalesce(ErasureNotice.reminded_at, ErasureNotice.sent_at)
    statement = select(ErasureNotice.id).where(
        ErasureNotice.acknowledged_at.is_(None), last <= since
    )
    return db.session.scalars(statement.order_by(ErasureNotice.id).limit(limit)).all()


def certificate(erasure_id: UUID) -> dict[str, Any]:  # Any: JSON values
    """What was destroyed, when, and who was told: for the person, without a contact in it."""
    erasure = get(Erasure, erasure_id)
    notices = notices_of(erasure.id)
    return {
        "object": "erasure_certificate",
        "receipt": erasure.public_id,
        "erased_at": erasure.created_at.isoformat(),
        "asked_for_by": erasure.origin,
        "leads": erasure.lead_ids,
        "destroyed": {
            "contacts_with_keys": erasure.contacts,
            "fingerprints": erasure.fingerprints,
            "uploaded_files": erasure.files,
        },
        "uploaded_files_pending": erasure.files_pending,
        "suppressed": True,
        "buyers_told": len(notices),
        "buyers_answered": sum(notice.acknowledged_at is not None for notice in notices),
        "kept": "keyed hashes that stop a new sale; entries of the books; leaves without a salt",
    }


@invariant("fulfillment.suppressed")
def delivered_after_suppression() -> list[str]:
    """I28: nobody was delivered to anybody after they were suppressed for them."""
    entry = SuppressionEntry
    wrong = [
        db.session.scalars(
            select(OrderLine.id)
            .join(Contact, Contact.lead_id == OrderLine.lead_id)
            .join(entry, entry.hash == column)
            .where(
                OrderLine.delivered_at > entry.created_at + TOLERANCE,
                or_(
                    entry.organization_id.is_(None),
                    entry.organization_id == OrderLine.seller_id,
                    entry.organization_id == OrderLine.buyer_id,
                ),
            )
        )
        for column in (Contact.phone_index, Contact.email_index)
    ]
    found = sorted({line_id for lines in wrong for line_id in lines})
    return [f"line {line_id} was delivered after its person was suppressed" for line_id in found]


@invariant("fulfillment.erased")
def holders_not_told() -> list[str]:
    """Whoever received the lead of an erased person was told of it."""
    lines = db.session.scalars(
        select(OrderLine)
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(Lead.status == LeadStatus.PURGED, OrderLine.delivered_at.is_not(None))
    ).all()
    named = select(func.jsonb_array_elements_text(ErasureNotice.line_ids))
    known = set(db.session.scalars(named)) if lines else set()
    return [
        f"the buyer of line {line.id} was not told that its person is erased"
        for line in lines
        if line.public_id not in known
    ]
