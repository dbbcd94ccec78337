"""Questions about a lot's sold leads as the guarantee asks them: each lead once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select

from exchange.core.db import db
from exchange.fulfillment.models import LeadReturn, ReturnOutcome
from exchange.leads.models import Lead
from exchange.market.models import LineStatus, OrderLine, PricingModel
from exchange.verification.inspection_models import GuaranteeRun, GuaranteeStatus
from exchange.verification.queries.guarantees import given_up

HELD: Final = (LineStatus.DELIVERED, LineStatus.SETTLED)
SOLD: Final = (*HELD, LineStatus.RETURNED)


def sold_leads(batch_id: UUID) -> set[UUID]:
    """Leads of a lot that were handed over to somebody."""
    statement = (
        select(OrderLine.lead_id)
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(Lead.batch_id == batch_id, OrderLine.status.in_(SOLD))
    )
    return set(db.session.scalars(statement))


def returned_leads(batch_id: UUID, *, except_for: Collection[str]) -> set[UUID]:
    """Leads of a lot of which a return was upheld or a check failed, but for these reasons."""
    statement = (
        select(LeadReturn.lead_id)
        .join(Lead, Lead.id == LeadReturn.lead_id)
        .where(
            Lead.batch_id == batch_id,
            LeadReturn.outcome == ReturnOutcome.APPROVED,
            LeadReturn.reason.not_in(except_for),
        )
    )
    return set(db.session.scalars(statement))


def lock_unreturned(batch_id: UUID) -> Sequence[OrderLine]:
    """Lines of a lot that a buyer paid and was not refunded, locked in the order of their ids.

    Under CPA nobody pays for a lead, and who paid for an action got it.
    """
    statement = (
        select(OrderLine)
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(
            Lead.batch_id == batch_id,
            OrderLine.status.in_(HELD),
            OrderLine.pricing_model == PricingModel.CPL,
        )
        .order_by(OrderLine.id)
        .with_for_update(of=OrderLine, key_share=True)
    )
    return db.session.scalars(statement.execution_options(populate_existing=True)).all()


def silent_runs(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Looks behind lots that broke their promise, whose seller chose nothing in time.

    Or took the lot back before everybody was called.
    """
    is_silent = (GuaranteeRun.status == GuaranteeStatus.TRIGGERED) & (GuaranteeRun.choose_by < now)
    return db.session.scalars(
        select(GuaranteeRun.id)
        .where(or_(is_silent, given_up()))
        .order_by(GuaranteeRun.choose_by)
        .limit(limit)
    ).all()


def lots_to_watch(since: datetime, *, limit: int) -> Sequence[UUID]:
    """Lots of which a lead came back since then, and that nobody has looked behind."""
    return db.session.scalars(
        select(Lead.batch_id)
        .join(LeadReturn, LeadReturn.lead_id == Lead.id)
        .outerjoin(GuaranteeRun, GuaranteeRun.batch_id == Lead.batch_id)
        .where(
            LeadReturn.outcome == ReturnOutcome.APPROVED,
            LeadReturn.decided_at >= since,
            GuaranteeRun.id.is_(None),
        )
        .distinct()
        .limit(limit)
    ).all()
