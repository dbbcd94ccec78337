"""What waits for a buyer now: what came this week, and which return windows close soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.buyers.queries.leads import SOON, BoughtLead, with_leads
from exchange.core import clock
from exchange.core.db import db
from exchange.market.models import LineStatus, OrderLine, PricingModel

WEEK: Final = timedelta(days=7)
SHOWN: Final = 5


def bought_this_week(*, viewer: UUID) -> int:
    """Leads delivered in the last seven days, those given back not counted."""
    kept = (LineStatus.DELIVERED, LineStatus.SETTLED)
    statement = select(func.count()).where(
        OrderLine.buyer_id == viewer,
        OrderLine.status.in_(kept),
        OrderLine.delivered_at >= clock.now() - WEEK,
    )
    return db.session.scalar(statement) or 0


def closing_leads(*, viewer: UUID) -> list[BoughtLead]:
    """The first leads whose return window closes inside a day, the most urgent first."""
    now = clock.now()
    statement = (
        select(OrderLine)
        .where(
            OrderLine.buyer_id == viewer,
            OrderLine.status == LineStatus.DELIVERED,
            OrderLine.pricing_model == PricingModel.CPL,
            OrderLine.window_until > now,
            OrderLine.window_until <= now + SOON,
        )
        .order_by(OrderLine.window_until, OrderLine.id)
        .limit(SHOWN)
    )
    return with_leads(db.session.scalars(statement).all())
