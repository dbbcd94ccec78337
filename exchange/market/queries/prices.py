"""What was paid lately, by region and by how old the lead was: quartiles, or nothing to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.leads.models import Lead
from exchange.market.filters import AGES, Age
from exchange.market.models import LineStatus, OrderLine, PricingModel
from exchange.market.queries.demand import BUYERS_MIN
from exchange.market.queries.stock import ATTRIBUTES

SALES_MIN: Final = 20  # under so many sales a quartile says nothing
GUIDANCE_DAYS: Final = 90
PRICE: Final = OrderLine.__table__.c.price_amount


@dataclass(frozen=True, slots=True)
class PriceGuidance:
    """Quartiles of what was paid for one lead, and over how many sales and days."""

    low: Money
    median: Money
    high: Money
    n: int
    days: int
    region: str | None  # of these leads; None: of all regions
    age: Age | None  # when they were sold; None: of any


@dataclass(frozen=True, slots=True)
class AgePrice:
    """What was paid for leads of one freshness band."""

    age: Age
    guidance: PriceGuidance | None  # None: not enough sales


@dataclass(frozen=True, slots=True)
class MostSold:
    """The answer that most leads were sold with, and what was paid for those that gave it."""

    value: str
    share: float  # of the leads that were sold
    median: Money
    n: int  # sales of them


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The guidance of a vertical wherever there were enough sales."""

    cells: Mapping[tuple[str | None, Age | None], PriceGuidance]

    def find(self, region: str | None = None, age: Age | None = None) -> PriceGuidance | None:
        """Of just this; None under 20 sales."""
        return self.cells.get((region, age))

    def by_age(self, region: str | None = None) -> list[AgePrice]:
        """Of every freshness band, the youngest first."""
        return [AgePrice(age, self.find(region, age)) for age in AGES]

    def nearest(self, region: str | None, age: Age | None) -> PriceGuidance | None:
        """Of the narrowest that had 20 sales: age says more of a price than region."""
        wider = ((region, age), (None, age), (region, None), (None, None))
        return next((found for cell in wider if (found := self.cells.get(cell))), None)


def price_table(vertical_id: UUID, *, currency: Currency) -> PriceTable:
    """What was paid for leads of a vertical in the last 90 days."""
    band = _band()
    paid = (
        select(
            Lead.region,
            band.label("band"),
            func.count().label("n"),
            *(func.percentile_disc(part).within_group(PRICE) for part in (0.25, 0.5, 0.75)),
        )
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(*_paid_lately(vertical_id))
        .group_by(func.cube(Lead.region, band))  # of each, of both and of all together
        .having(func.count() >= SALES_MIN)
    )
    cells = {}
    for region, number, n, *amounts in db.session.execute(paid):
        low, median, high = (Money(amount, currency) for amount in amounts)
        age = None if number is None else AGES[number]
        cells[region, age] = PriceGuidance(low, median, high, n, GUIDANCE_DAYS, region, age)
    return PriceTable(cells)


def price_guidance(
    vertical_id: UUID, *, currency: Currency, region: str | None = None, age: Age | None = None
) -> PriceGuidance | None:
    """Quartiles of the prices paid in the last 90 days; None under 20 sales."""
    return price_table(vertical_id, currency=currency).find(region, age)


def most_sold(vertical_id: UUID, field: str, *, currency: Currency) -> MostSold | None:
    """Of a field with choices, in the last 90 days; None under 20 sales to three buyers."""
    answer = ATTRIBUTES[field].astext
    row = db.session.execute(
        select(
            answer.label("value"),
            func.count().label("n"),
            func.sum(func.count()).over().label("all"),
            func.percentile_disc(0.5).within_group(PRICE).label("median"),
            func.count(OrderLine.buyer_id.distinct()).label("buyers"),
        )
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(*_paid_lately(vertical_id), answer.is_not(None))
        .group_by(answer)
        .order_by(func.count().desc(), answer)
        .limit(1)
    ).first()
    if row is None or row.n < SALES_MIN or row.buyers < BUYERS_MIN:
        return None
    return MostSold(row.value, row.n / int(row.all), Money(row.median, currency), row.n)


def _paid_lately(vertical_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """Sales of a vertical's leads that count: paid by the lead, and kept."""
    return (
        Lead.vertical_id == vertical_id,
        OrderLine.created_at >= clock.now() - timedelta(days=GUIDANCE_DAYS),
        OrderLine.status.in_((LineStatus.DELIVERED, LineStatus.SETTLED)),
        OrderLine.pricing_model == PricingModel.CPL,
    )


def _band() -> ColumnElement[int]:
    """The number of the freshness band in which the lead was when it was sold."""
    age: ColumnElement[Any] = OrderLine.created_at - Lead.requested_at
    bounded = ((n, band.within) for n, band in enumerate(AGES) if band.within is not None)
    return case(*((age <= timedelta(hours=hours), n) for n, hours in bounded), else_=len(AGES) - 1)
