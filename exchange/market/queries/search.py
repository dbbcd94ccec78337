"""The masked search of the market: what is on sale, by what people asked for and when.

Counts are of leads that the viewer can still buy. Where attributes narrow the answer to fewer
than five people the number is not told (decision 26); vertical, region and freshness never hide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Label, Row, and_, func, select, tuple_

from exchange.catalog.criteria import EVERYTHING, Criteria, to_sql
from exchange.catalog.policies import QualityClass
from exchange.core import clock
from exchange.core.db import db, get, parse_id
from exchange.core.pagination import LIMIT, LIMIT_MAX
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Lead, LeadKind
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries.listings import COUNT_MIN
from exchange.market.queries.openness import open_to
from exchange.market.queries.stock import ATTRIBUTES, Rows, offered, offered_to

FRESH_HOURS: Final = (1, 24, 72, 168)
LISTING_PRICE: Final = Listing.__table__.c.price_amount


class Sort(StrEnum):
    SAFEST = "safest"  # the least upper bound of bad leads first (decision 31)
    NEWEST = "newest"  # the listing that came on sale last
    CHEAPEST = "cheapest"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a buyer looks for; what is left empty does not narrow."""

    vertical_id: UUID | None = None
    regions: tuple[str, ...] = ()
    fresh_hours: int | None = None  # requested at most so long ago
    kind: LeadKind | None = None
    quality_classes: tuple[QualityClass, ...] = ()
    price_max: int | None = None  # minor units of the vertical's currency
    bad_upper_max: float | None = None  # share of bad leads, by the bound that lists sort by
    checked: bool = False  # verified by us
    criteria: Criteria = EVERYTHING  # of one vertical's schema


@dataclass(frozen=True, slots=True)
class Found:
    """A listing in the answer, and what of it fits."""

    listing: Listing
    seller: str  # the trade name
    kind: LeadKind
    sales_max: int
    available: int | None  # leads that fit; None: fewer than five, under criteria
    freshest_at: datetime
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Results:
    """A page of the answer."""

    items: Sequence[Found]
    next_cursor: str | None

    @property
    def next(self) -> str | None:
        """The cursor of the next page, by the name that templates use."""
        return self.next_cursor

    @property
    def has_more(self) -> bool:
        """Whether another page follows."""
        return self.next_cursor is not None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many leads each choice of a filter would show, the other filters kept."""

    regions: Mapping[str, int | None] = field(default_factory=dict)
    kinds: Mapping[str, int | None] = field(default_factory=dict)
    quality_classes: Mapping[str, int | None] = field(default_factory=dict)
    fresh_hours: Mapping[int, int | None] = field(default_factory=dict)


def search(
    *,
    viewer: UUID,
    filters: Filters,
    sort: Sort = Sort.SAFEST,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Results:
    """Listings with leads that fit and that the viewer can buy.

    Raises NotFound for a cursor that is none.
    """
    limit = min(limit, LIMIT_MAX)
    statement = _grouped(viewer, filters)
    if cursor:
        statement = statement.where(_after(get(Listing, parse_id(cursor, Listing)), sort))
    rows = db.session.execute(_sorted(statement, sort).limit(limit + 1)).all()
    items = [_found(row, filters) for row in rows[:limit]]
    return Results(items, items[-1].listing.public_id if len(rows) > limit else None)


def facets(*, viewer: UUID, filters: Filters) -> Facets:
    """The choices of each filter with their counts, most frequent first."""
    conditions = _conditions(filters)

    def counts(name: str, column: Any) -> Mapping[str, int | None]:  # Any: a column
        others = [found for key, found in conditions.items() if key != name]
        rows = db.session.execute(
            _base(viewer, select(column, func.count().label("leads")))
            .where(*others)
            .group_by(column)
            .order_by(func.count().desc(), column)
        )
        return {str(row[0]): _told(row.leads, filters) for row in rows}

    return Facets(
        regions=counts("regions", Lead.region),
        kinds=counts("kind", Lead.kind),
        quality_classes=counts("quality_classes", Listing.quality_class),
        fresh_hours=_freshness(viewer, filters, conditions),
    )


def _base(viewer: UUID, statement: Rows) -> Rows:
    """Leads on sale from approved sellers other than the viewer that may be offered to them."""
    return (
        statement.select_from(Listing)
        .join(Lead, and_(*offered()))
        .join(Organization, Organization.id == Listing.organization_id)
        .where(
            Listing.status == ListingStatus.PUBLISHED,
            Listing.organization_id != viewer,
            Organization.status == OrganizationStatus.APPROVED,
            *open_to(viewer),
            *offered_to(viewer),
        )
    )


def _conditions(filters: Filters) -> dict[str, ColumnElement[bool]]:
    """The condition of each filter that is set, by its name."""
    return dict(chain(_listing_conditions(filters), _lead_conditions(filters)))


def _listing_conditions(filters: Filters) -> Iterator[tuple[str, ColumnElement[bool]]]:
    if filters.vertical_id is not None:
        yield "vertical_id", Listing.vertical_id == filters.vertical_id
    if filters.quality_classes:
        yield "quality_classes", Listing.quality_class.in_(filters.quality_classes)
    if filters.price_max is not None:
        yield "price_max", filters.price_max >= LISTING_PRICE
    if filters.bad_upper_max is not None:
        yield "bad_upper_max", Listing.bad_upper <= filters.bad_upper_max


def _lead_conditions(filters: Filters) -> Iterator[tuple[str, ColumnElement[bool]]]:
    if filters.regions:
        yield "regions", Lead.region.in_(filters.regions)
    if filters.fresh_hours is not None:
        yield "fresh_hours", _is_fresh(filters.fresh_hours)
    if filters.kind is not None:
        yield "kind", Lead.kind == filters.kind
    if filters.checked:
        yield "checked", Lead.checked_at.is_not(None)
    if filters.criteria != EVERYTHING:
        yield "criteria", to_sql(filters.criteria, ATTRIBUTES)


def _is_fresh(hours: int) -> ColumnElement[bool]:
    return Lead.requested_at >= clock.now() - timedelta(hours=hours)


def _grouped(viewer: UUID, filters: Filters) -> Rows:
    statement = select(
        Listing,
        Organization.trade_name,
        func.min(Lead.kind).label("kind"),
        func.max(Lead.sales_max).label("sales_max"),
        func.count().label("leads"),
        func.max(Lead.requested_at).label("freshest_at"),
        func.min(Lead.requested_at).label("oldest_at"),
    )
    return (
        _base(viewer, statement)
        .where(*_conditions(filters).values())
        .group_by(Listing.id, Organization.trade_name)
    )


def _sorted(statement: Rows, sort: Sort) -> Rows:
    if sort is Sort.CHEAPEST:
        return statement.order_by(LISTING_PRICE, Listing.id)
    if sort is Sort.SAFEST:
        return statement.order_by(Listing.bad_upper, Listing.id.desc())
    return statement.order_by(Listing.id.desc())


def _after(last: Listing, sort: Sort) -> ColumnElement[bool]:
    if sort is Sort.CHEAPEST:
        return tuple_(LISTING_PRICE, Listing.id) > tuple_(last.price.amount, last.id)
    if sort is Sort.SAFEST:
        same = (Listing.bad_upper == last.bad_upper) & (Listing.id < last.id)
        return (Listing.bad_upper > last.bad_upper) | same
    return Listing.id < last.id


def _found(row: Row[Any], filters: Filters) -> Found:  # Any: a row of `_grouped`
    return Found(
        listing=row.Listing,
        seller=row.trade_name,
        kind=LeadKind(row.kind),
        sales_max=row.sales_max,
        available=_told(row.leads, filters),
        freshest_at=row.freshest_at,
        oldest_at=row.oldest_at,
    )


def _told(leads: int, filters: Filters) -> int | None:
    """The count, or None where attributes were asked for and too few people fit."""
    return None if filters.criteria != EVERYTHING and leads < COUNT_MIN else leads


def _freshness(
    viewer: UUID, filters: Filters, conditions: Mapping[str, ColumnElement[bool]]
) -> dict[int, int | None]:
    counted: list[Label[int]] = [
        func.count().filter(_is_fresh(hours)).label(f"within_{hours}") for hours in FRESH_HOURS
    ]
    others = [found for key, found in conditions.items() if key != "fresh_hours"]
    row = db.session.execute(_base(viewer, select(*counted)).where(*others)).one()
    return {hours: _told(row[i], filters) for i, hours in enumerate(FRESH_HOURS)}
