"""What an arbitrator needs beside the return itself: prices, both sides' records, all cases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Money
from exchange.core.pagination import Page, paginate
from exchange.fulfillment.models import LeadReturn
from exchange.market.models import LineStatus, OrderLine

DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class ReturnRate:
    """How many of a party's leads of the last 90 days came back, and how many there were."""

    returned: int
    total: int

    @property
    def share(self) -> float | None:
        """The part that came back; None where there was nothing."""
        return self.returned / self.total if self.total else None


def all_returns(*, cursor: str | None = None) -> Page[LeadReturn]:
    """Every return there ever was, newest first."""
    return paginate(select(LeadReturn), LeadReturn, cursor=cursor)


def prices(line_ids: Collection[UUID]) -> dict[UUID, Money]:
    """What was paid for these lines."""
    rows = db.session.scalars(select(OrderLine).where(OrderLine.id.in_(line_ids)))
    return {line.id: line.charged for line in rows}


def return_rates(found: LeadReturn) -> dict[str, ReturnRate]:
    """The record of both sides of a return, by `buyer` and `seller`."""
    since = clock.now() - timedelta(days=DAYS)
    sides = {
        "buyer": OrderLine.buyer_id == found.buyer_id,
        "seller": OrderLine.seller_id == found.seller_id,
    }
    rates = {}
    for side, is_theirs in sides.items():
        row = db.session.execute(
            select(
                func.count().filter(OrderLine.status == LineStatus.RETURNED), func.count()
            ).where(is_theirs, OrderLine.delivered_at >= since)
        ).one()
        rates[side] = ReturnRate(row[0], row[1])
    return rates
