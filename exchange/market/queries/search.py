"""The masked search of the market: what is on sale, by what people asked for and when.

Counts are of leads that the viewer may be shown. Where attributes narrow the answer to fewer
than five people the number is not told (decision 26); vertical, region and freshness never hide.
What masked leads do not show is asked as `open_values` lets it.
A large market is counted from sets in memory, at most a minute old; a small one by the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Label, Row, and_, func, select, tuple_

from exchange.catalog.fields import LeadFields
from exchange.core import clock, ids
from exchange.core.db import db, get, parse_id
from exchange.core.pagination import LIMIT, LIMIT_MAX, Page
from exchange.identity import queries as identity
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Lead, LeadKind
from exchange.leads.warmth import warmth_in_sql
from exchange.market.cube import KEYS, Fit, Viewer, facets_of
from exchange.market.filters import (
    FRESH_HOURS,
    Facets,
    Filters,
    Sort,
    choices_of,
)
from exchange.market.kept import current_cube
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.queries.narrowed import (
    LISTING_PRICE,
    conditions,
    grades_of_sellers,
    has,
    is_fresh,
)
from exchange.market.queries.open_values import answerable
from exchange.market.queries.openness import open_to
from exchange.market.queries.stock import (
    ATTRIBUTES,
    Rows,
    Stock,
    belongs,
    names_of_buyer,
    offered,
    offered_to,
    stocks,
)
from exchange.market.segments import attribute, word_of
from exchange.verification.reputation import Grade

REGIONS_SHOWN: Final = 3
LATELY: Final = timedelta(days=7)
LATELY_MAX: Final = 1_000  # counted so far: more than that is "many"


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the leads of a listing live: the regions with most of them, and how many more."""

    top: Sequence[tuple[str, int]]  # region and leads
    more: int

    @classmethod
    def of(cls, regions: Sequence[tuple[str, int]]) -> Spread:
        """Of all regions with their leads, most first."""
        return cls(regions[:REGIONS_SHOWN], max(len(regions) - REGIONS_SHOWN, 0))


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
    stock: Stock
    spread: Spread
    grade: Grade  # of the seller


@dataclass(frozen=True, slots=True)
class Results(Page[Found]):
    """A page of the answer."""

    counted_at: datetime


def search(
    *,
    viewer: UUID,
    filters: Filters,
    fields: LeadFields | None = None,
    sort: Sort = Sort.SAFEST,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Results:
    """Listings with leads that fit and that the viewer can buy.

    The fields of the vertical, where they are at hand, save looking them up for criteria.
    Raises NotFound for a cursor that is none.
    """
    limit, filters = min(limit, LIMIT_MAX), answerable(filters, fields)
    last = get(Listing, parse_id(cursor, Listing)) if cursor else None
    cube = current_cube()
    if cube is not None:
        fits = cube.found(filters, _viewer(viewer), sort)
        if last is not None:
            fits = [fit for fit in fits if fit.key(sort) > _key(last, sort)]
        found = _of_fits(fits[:limit], filters)
        return _page(found, has_more=len(fits) > limit, counted_at=cube.counted_at)
    statement = _grouped(viewer, filters)
    if last is not None:
        statement = statement.where(_after(last, sort))
    rows = db.session.execute(_sorted(statement, sort).limit(limit + 1)).all()
    return _page(
        _of_rows(rows[:limit], filters), has_more=len(rows) > limit, counted_at=clock.now()
    )


def facets(*, viewer: UUID, filters: Filters, fields: LeadFields | None = None) -> Facets:
    """The choices of each filter with their counts, most frequent first.

    With the fields of the vertical also the choices of attributes, and what a lead may lack.
    """
    choices, cube = choices_of(fields), current_cube()
    filters = answerable(filters, fields)
    if cube is not None:
        return cube.facets(filters, _viewer(viewer), choices)
    wanted = conditions(filters)
    grouped = {
        "regions": Lead.region,
        "kinds": Lead.kind,
        "quality_classes": Listing.quality_class,
        "temperatures": warmth_in_sql(clock.now()),
        "aged": Listing.is_aged,
        **{attribute(name): ATTRIBUTES[name].astext for name in choices.attributes},
    }
    counts: dict[str, Mapping[str, int]] = {
        name: _count_by(viewer, column, _others(wanted, name)) for name, column in grouped.items()
    }
    counts["grades"] = _count_grades(viewer, _others(wanted, "grades"))
    ages = {str(hours): is_fresh(hours) for hours in FRESH_HOURS}
    counts["fresh_hours"] = _count_each(viewer, ages, _others(wanted, "fresh_hours"))
    lacking = {name: has(name) for name in choices.has}
    counts["has"] = _count_each(viewer, lacking, list(wanted.values()))
    return facets_of(counts, filters, counted_at=clock.now(), is_exact=True)


def count_lately(filters: Filters) -> int:
    """How many leads that fit were put on sale in the last week, sold or not; up to 1,000."""
    since, filters = clock.now() - LATELY, answerable(filters)
    fitting = (
        select(Lead.id)
        .select_from(Listing)
        .join(Lead, and_(*belongs()))
        .where(
            Listing.published_at >= since,
            Listing.mode != ListingMode.TARGETED,
            Lead.in_frame,
            *(found for name, found in conditions(filters).items() if name != "fresh_hours"),
        )
        .limit(LATELY_MAX)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(fitting)) or 0


def _viewer(viewer: UUID) -> Viewer:
    public_id = ids.encode(Organization.PREFIX, viewer)
    return Viewer(public_id, names_of_buyer(viewer), identity.relatives(viewer))


def _page(items: Sequence[Found], *, has_more: bool, counted_at: datetime) -> Results:
    return Results(items, items[-1].listing.public_id if has_more else None, counted_at)


def _key(listing: Listing, sort: Sort) -> tuple[float, int]:
    return KEYS[sort](listing.id, listing.price.amount, listing.bad_upper)


def _base(viewer: UUID, statement: Rows) -> Rows:
    """Leads on sale from approved sellers, strangers to the viewer, that may be offered to them."""
    return (
        statement.select_from(Listing)
        .join(Lead, and_(*offered()))
        .join(Organization, Organization.id == Listing.organization_id)
        .where(
            Listing.status == ListingStatus.PUBLISHED,
            Listing.organization_id.not_in(identity.relatives(viewer)),
            Organization.status == OrganizationStatus.APPROVED,
            *open_to(viewer),
            *offered_to(viewer),
        )
    )


def _others(wanted: Mapping[str, ColumnElement[bool]], name: str) -> list[ColumnElement[bool]]:
    return [found for key, found in wanted.items() if key != name]


def _count_by(
    viewer: UUID, column: Any, others: Collection[ColumnElement[bool]]
) -> dict[str, int]:  # Any: a column of whatever
    rows = db.session.execute(
        _base(viewer, select(column, func.count().label("leads"))).where(*others).group_by(column)
    )
    return {word_of(row[0]): row.leads for row in rows if row[0] is not None}


def _count_each(
    viewer: UUID,
    sets: Mapping[str, ColumnElement[bool]],
    others: Collection[ColumnElement[bool]],
) -> dict[str, int]:
    if not sets:
        return {}
    counted: list[Label[int]] = [
        func.count().filter(meets).label(f"n_{number}")
        for number, meets in enumerate(sets.values())
    ]
    row = db.session.execute(_base(viewer, select(*counted)).where(*others)).one()
    return {name: leads for name, leads in zip(sets, row, strict=True) if leads}


def _count_grades(viewer: UUID, others: Collection[ColumnElement[bool]]) -> dict[str, int]:
    grades, counts = grades_of_sellers(), dict[str, int]()
    for seller, leads in _count_by(viewer, Listing.organization_id, others).items():
        grade = grades.get(UUID(seller), Grade.NEW)
        counts[grade] = counts.get(grade, 0) + leads
    return counts


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
        .where(*conditions(filters).values())
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


def _of_rows(rows: Sequence[Row[Any]], filters: Filters) -> list[Found]:  # Any: of `_grouped`
    listings = [row.Listing for row in rows]
    stock, spreads, grades = stocks(listings), _spreads(listings), grades_of_sellers()
    return [
        Found(
            listing=row.Listing,
            seller=row.trade_name,
            kind=LeadKind(row.kind),
            sales_max=row.sales_max,
            available=filters.told(row.leads),
            freshest_at=row.freshest_at,
            oldest_at=row.oldest_at,
            stock=stock[row.Listing.id],
            spread=spreads[row.Listing.id],
            grade=grades.get(row.Listing.organization_id, Grade.NEW),
        )
        for row in rows
    ]


def _spreads(listings: Collection[Listing]) -> dict[UUID, Spread]:
    rows = db.session.execute(
        select(Listing.id, Lead.region, func.count().label("leads"))
        .join(Lead, and_(*offered()))
        .where(Listing.id.in_([one.id for one in listings]))
        .group_by(Listing.id, Lead.region)
        .order_by(func.count().desc(), Lead.region)
    )
    found: dict[UUID, list[tuple[str, int]]] = {one.id: [] for one in listings}
    for row in rows:
        found[row.id].append((row.region, row.leads))
    return {listing_id: Spread.of(regions) for listing_id, regions in found.items()}


def _of_fits(fits: Sequence[Fit], filters: Filters) -> list[Found]:
    """The listings as they stand in the database, with what was counted of them."""
    rows = db.session.execute(
        select(Listing, Organization.trade_name)
        .join(Organization, Organization.id == Listing.organization_id)
        .where(Listing.id.in_([fit.stand.facts.id for fit in fits]))
    )
    by_id = {row.Listing.id: row for row in rows}
    return [_of_fit(fit, filters, by_id[fit.stand.facts.id]) for fit in fits]


def _of_fit(fit: Fit, filters: Filters, row: Row[Listing, str]) -> Found:
    goods = fit.stand.goods
    return Found(
        listing=row.Listing,
        seller=row.trade_name,
        kind=goods.kind,
        sales_max=goods.sales_max,
        available=filters.told(fit.leads),
        freshest_at=fit.freshest_at,
        oldest_at=fit.oldest_at,
        stock=Stock(goods.leads, goods.sold, goods.live.bit_count()),
        spread=Spread.of(fit.regions()),
        grade=fit.stand.facts.grade,
    )
