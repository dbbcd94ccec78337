"""Verbs of notices about erased people: each buyer who received one is told, and answers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, parse_id, save
from exchange.fulfillment import queries
from exchange.fulfillment.models import ErasureNotice
from exchange.leads.models import Lead
from exchange.leads.rights import Erasure


def tell_holders(*, erasure_id: UUID) -> None:
    """Tell every buyer who received a lead of the person; who knows of all is left alone."""
    erasure = get(Erasure, erasure_id)
    lead_ids = [parse_id(text, Lead) for text in erasure.lead_ids]
    for buyer_id, lines in queries.holders(lead_ids).items():
        _tell(erasure, buyer_id, [line.public_id for line in lines])


def acknowledge(*, notice_id: UUID, viewer: UUID, actor: Actor) -> ErasureNotice:
    """The buyer confirms that the person is gone with them too; safe to repeat. Raises NotFound."""
    queries.get_erasure_notice(notice_id, viewer=viewer)
    notice = lock(ErasureNotice, notice_id)
    if notice.acknowledged_at is None:
        notice.acknowledged_at = clock.now()
        notice.acknowledged_by_id = actor.id
        events.record("erasure_notice.acknowledged", subject=notice, actor=actor)
    return notice


def remind(*, notice_id: UUID) -> None:
    """Say it again to a buyer who has not answered; nothing is said twice inside the time."""
    notice = lock(ErasureNotice, notice_id)
    since = clock.now() - queries.REMIND_AFTER
    if notice.acknowledged_at is None and (notice.reminded_at or notice.sent_at) <= since:
        notice.reminded_at = clock.now()
        events.record("erasure_notice.repeated", subject=notice, actor=SYSTEM)


def _tell(erasure: Erasure, buyer_id: UUID, line_ids: list[str]) -> None:
    notice = db.session.scalar(
        select(ErasureNotice).where(
            ErasureNotice.erasure_id == erasure.id, ErasureNotice.organization_id == buyer_id
        )
    )
    if notice is not None and set(notice.line_ids) >= set(line_ids):
        return
    if notice is None:
        notice = ErasureNotice(erasure_id=erasure.id, organization_id=buyer_id)
    # A further lead asks for a further answer.
    notice.line_ids, notice.acknowledged_at = line_ids, None
    notice.sent_at = clock.now()
    save(notice)
    events.record("erasure_notice.sent", subject=notice, actor=SYSTEM, lines=len(line_ids))
