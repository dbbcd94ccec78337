"""When a seller's pending money becomes free: the days on which return windows close."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from exchange.billing.queries import PendingDay, pending_calendar
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.market.models import LineStatus, OrderLine, PricingModel


@pending_calendar
def pending_days(seller_id: UUID) -> list[PendingDay]:
    """By day and currency, what was delivered and not refunded; the last window of each day.

    Leads that are paid by their action wait for no window: an approved action is settled at once.
    """
    line = OrderLine.__table__.c
    day = func.date_trunc("day", line.window_until)
    rows = db.session.execute(
        select(
            func.max(line.window_until).label("until"),
            func.sum(line.price_amount - line.refunded).label("amount"),
            func.count().label("sales"),
            line.price_currency.label("currency"),
        )
        .where(
            line.seller_id == seller_id,
            line.status == LineStatus.DELIVERED,
            line.pricing_model == PricingModel.CPL,
        )
        .group_by(day, line.price_currency)
        .order_by("until")
    )
    return [
        PendingDay(row.until, Money(int(row.amount), Currency(row.currency)), row.sales)
        for row in rows
    ]
