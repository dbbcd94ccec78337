"""What waits for a buyer today: fresh leads, windows that close, orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.billing.queries import Balances
from exchange.buyers.queries.leads import BoughtLead, OrderView, order_views, with_leads
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.market import queries as market
from exchange.market.models import LineStatus, OrderLine

WEEK: Final = timedelta(days=7)
LATEST: Final = 5
PRICE: Final = OrderLine.__table__.c.price_amount
CURRENCY: Final = OrderLine.__table__.c.price_currency


@dataclass(frozen=True, slots=True)
class Home:
    """What the home says."""

    balances: Sequence[Balances]
    bought: int  # leads in seven days, those given back not counted
    spent: Sequence[Money]  # on them, by currency
    closing: int  # delivered leads whose window closes until the end of the day
    closing_leads: Sequence[BoughtLead]  # the first of them, the most urgent first
    latest: Sequence[OrderView]


def home(*, viewer: UUID, day_ends_at: datetime) -> Home:
    """The home of a buyer whose day ends at that moment."""
    bought, spent = _week(viewer)
    closing = _closing(viewer, until=day_ends_at)
    return Home(
        balances=billing.balances(viewer),
        bought=bought,
        spent=spent,
        closing=len(closing),
        closing_leads=with_leads(closing[:LATEST]),
        latest=order_views(market.orders(viewer=viewer, limit=LATEST).items),
    )


def _week(viewer: UUID) -> tuple[int, list[Money]]:
    kept = (LineStatus.DELIVERED, LineStatus.SETTLED)
    rows = db.session.execute(
        select(CURRENCY, func.count().label("leads"), func.sum(PRICE).label("spent"))
        .where(
            OrderLine.buyer_id == viewer,
            OrderLine.status.in_(kept),
            OrderLine.created_at >= clock.now() - WEEK,
        )
        .group_by(CURRENCY)
        .order_by(CURRENCY)
    ).all()
    spent = [Money(int(row.spent), Currency(row.price_currency)) for row in rows]
    return sum(row.leads for row in rows), spent


def _closing(viewer: UUID, *, until: datetime) -> Sequence[OrderLine]:
    """Delivered lines that can be returned now and not tomorrow."""
    return db.session.scalars(
        select(OrderLine)
        .where(
            OrderLine.buyer_id == viewer,
            OrderLine.status == LineStatus.DELIVERED,
            OrderLine.window_until > clock.now(),
            OrderLine.window_until < until,
        )
        .order_by(OrderLine.window_until, OrderLine.id)
        .limit(1_000)
    ).all()
