"""The figures of a buyer's home: what is left, what was bought, which windows close soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.billing.queries import Balances
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.fulfillment.models import LeadReturn, ReturnStatus
from exchange.market.models import LineStatus, OrderLine, PricingModel
from exchange.market.queries import CHARGED

DAYS: Final = 30
SOON: Final = timedelta(hours=24)
OPEN_RETURNS: Final = (ReturnStatus.REQUESTED, ReturnStatus.IN_RECHECK, ReturnStatus.CONTESTED)
BOUGHT: Final = (LineStatus.DELIVERED, LineStatus.RETURNED, LineStatus.REPLACED, LineStatus.SETTLED)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was paid in one currency in the last 30 days, and what of it came back."""

    paid: Money
    refunded: Money


@dataclass(frozen=True, slots=True)
class BuyerFigures:
    """What a buyer's home shows; money by currency, never added up."""

    balances: Sequence[Balances]
    bought: int  # leads delivered in the last 30 days
    spent: Sequence[Spent]
    windows_closing: int  # within 24 hours
    next_window_until: datetime | None
    open_returns: int


def buyer_figures(organization_id: UUID) -> BuyerFigures:
    """The figures of one buyer as they are now."""
    now = clock.now()
    spent = _spent(organization_id, since=now - timedelta(days=DAYS))
    windows, next_until = _windows(organization_id, now)
    return BuyerFigures(
        balances=billing.balances(organization_id),
        bought=sum(count for count, _ in spent),
        spent=[money for _, money in spent],
        windows_closing=windows,
        next_window_until=next_until,
        open_returns=_open_returns(organization_id),
    )


def _spent(organization_id: UUID, *, since: datetime) -> list[tuple[int, Spent]]:
    # Any column of Money is two; sums are taken of the amounts, by currency.
    currency = OrderLine.__table__.c.price_currency
    rows = db.session.execute(
        select(currency, func.count(), func.sum(CHARGED), func.sum(OrderLine.refunded))
        .where(
            OrderLine.buyer_id == organization_id,
            OrderLine.status.in_(BOUGHT),
            OrderLine.delivered_at >= since,
        )
        .group_by(currency)
        .order_by(currency)
    )
    return [
        (count, Spent(Money(int(paid), Currency(code)), Money(int(back), Currency(code))))
        for code, count, paid, back in rows
    ]


def _windows(organization_id: UUID, now: datetime) -> tuple[int, datetime | None]:
    row = db.session.execute(
        select(func.count(), func.min(OrderLine.window_until)).where(
            OrderLine.buyer_id == organization_id,
            OrderLine.status == LineStatus.DELIVERED,
            OrderLine.pricing_model == PricingModel.CPL,
            OrderLine.window_until > now,
            OrderLine.window_until <= now + SOON,
        )
    ).one()
    return row[0], row[1]


def _open_returns(organization_id: UUID) -> int:
    statement = select(func.count()).select_from(LeadReturn)
    mine = (LeadReturn.buyer_id == organization_id, LeadReturn.status.in_(OPEN_RETURNS))
    return db.session.scalar(statement.where(*mine)) or 0
