"""What a buyer looks for as conditions over leads on sale: the words of search in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from exchange.catalog.criteria import to_sql
from exchange.core import clock
from exchange.leads.models import Consent, Lead
from exchange.leads.warmth import warmth_in_sql
from exchange.market.filters import CONSENT, EMAIL, Filters
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries.stock import ATTRIBUTES
from exchange.verification import queries as verification
from exchange.verification.models import Sample
from exchange.verification.reputation import Grade

LISTING_PRICE: Final = Listing.__table__.c.price_amount
Named = tuple[str, ColumnElement[bool]]


def conditions(filters: Filters) -> dict[str, ColumnElement[bool]]:
    """The condition of each filter that is set, by the name of its facet."""
    return {**dict(_of_listings(filters)), **dict(_of_leads(filters))}


def is_fresh(hours: int) -> ColumnElement[bool]:
    """Whether the person asked at most so long ago."""
    return Lead.requested_at >= clock.now() - timedelta(hours=hours)


def has_email() -> ColumnElement[bool]:
    """Whether the lead comes with an e-mail address."""
    preview: ColumnElement[Any] = type_coerce(Lead.preview, JSONB)
    return preview.has_key(EMAIL)  # type: ignore[no-any-return]  # of JSONB


def has_consent() -> ColumnElement[bool]:
    """Whether the proof of consent is whole: the wording, when, and on which page."""
    whole = (Consent.text_id.is_not(None), Consent.given_at.is_not(None), Consent.page_url != "")
    return exists().where(Consent.lead_id == Lead.id, *whole)


def has(name: str) -> ColumnElement[bool]:
    """Whether a lead has what `filters.may_lack` names."""
    if name == EMAIL:
        return has_email()
    return has_consent() if name == CONSENT else ATTRIBUTES.has_key(name)


def grades_of_sellers() -> dict[UUID, Grade]:
    """The grade of everybody with a listing on sale; who never had a lot decided is missing."""
    selling = select(Listing.organization_id).where(Listing.status == ListingStatus.PUBLISHED)
    found = verification.sellers(Sample.organization_id.in_(selling))
    return {seller_id: standing.grade for seller_id, standing in found.items()}


def _of_listings(filters: Filters) -> Iterator[Named]:
    if filters.vertical_id is not None:
        yield "vertical_id", Listing.vertical_id == filters.vertical_id
    if filters.quality_classes:
        yield "quality_classes", Listing.quality_class.in_(filters.quality_classes)
    if filters.is_aged is not None:
        yield "aged", Listing.is_aged.is_(filters.is_aged)
    if filters.grades:
        yield "grades", _is_graded(filters.grades)
    yield from _of_prices(filters)
    if filters.bad_upper_max is not None:
        yield "bad_upper_max", Listing.bad_upper <= filters.bad_upper_max
    if filters.published_after is not None:
        yield "published_after", Listing.published_at > filters.published_after


def _of_prices(filters: Filters) -> Iterator[Named]:
    if filters.price_min is not None:
        yield "price_min", filters.price_min <= LISTING_PRICE
    if filters.price_max is not None:
        yield "price_max", filters.price_max >= LISTING_PRICE


def _is_graded(grades: Sequence[Grade]) -> ColumnElement[bool]:
    known = grades_of_sellers()
    with_letter = [seller_id for seller_id, grade in known.items() if grade is not Grade.NEW]
    wanted = [seller_id for seller_id in with_letter if known[seller_id] in grades]
    graded = Listing.organization_id.in_(wanted)
    return graded | Listing.organization_id.not_in(with_letter) if Grade.NEW in grades else graded


def _of_leads(filters: Filters) -> Iterator[Named]:
    if filters.regions:
        yield "regions", Lead.region.in_(filters.regions)
    if filters.fresh_hours is not None:
        yield "fresh_hours", is_fresh(filters.fresh_hours)
    if filters.temperatures:
        yield "temperatures", warmth_in_sql(clock.now()).in_(filters.temperatures)
    if filters.kind is not None:
        yield "kinds", Lead.kind == filters.kind
    if filters.checked:
        yield "checked", Lead.checked_at.is_not(None)
    if filters.has:
        yield "has", and_(*map(has, filters.has))
    for name, criteria in filters.criteria_by_field().items():
        yield name, to_sql(criteria, ATTRIBUTES)
