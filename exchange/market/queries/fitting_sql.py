"""What a contract asks, as conditions in SQL: the third reading beside the predicate and the index.

It finds what is on sale for one contract; the other two find contracts for one lead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Float, literal

from exchange.catalog.criteria import to_sql
from exchange.core import ids
from exchange.identity.models import Organization
from exchange.leads.models import Lead, Source
from exchange.market.contract_terms import Terms
from exchange.market.fitting import kinds_met
from exchange.market.models import Listing
from exchange.market.queries.stock import ATTRIBUTES, in_list

BAD_UPPER = Listing.__table__.c.bad_upper
PRICE = Listing.__table__.c.price_amount


def fits_sql(terms: Terms, *, price: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead and its Listing: the lead is what the contract asks for, at `price`.

    The terms are resolved, as for `fitting.fits`.
    """
    return (
        Lead.kind.in_(kinds_met(terms)),
        *_of_lead(terms, now),
        *_of_lot(terms),
        *_of_parties(terms),
        to_sql(terms.criteria, ATTRIBUTES),
        price >= PRICE,
    )


def _of_lead(terms: Terms, now: datetime) -> Iterator[ColumnElement[bool]]:
    if terms.regions:
        yield Lead.region.in_(terms.regions)
    if terms.postal_codes:
        yield Lead.postal_code.in_(terms.postal_codes)
    if terms.age_hours_max is not None:
        yield Lead.requested_at >= now - timedelta(hours=terms.age_hours_max)
    if terms.checked_only:
        yield Lead.checked_at.is_not(None)


def _of_lot(terms: Terms) -> Iterator[ColumnElement[bool]]:
    if terms.quality_classes:
        yield Listing.quality_class.in_(terms.quality_classes)
    if terms.bad_upper_max_bps is not None:
        yield BAD_UPPER * literal(10_000.0, Float) <= terms.bad_upper_max_bps


def _of_parties(terms: Terms) -> Iterator[ColumnElement[bool]]:
    sellers, sources = Lead.organization_id, Lead.source_id
    if terms.sellers_only:
        yield in_list(sellers, _ids(Organization.PREFIX, terms.sellers_only))
    if terms.sellers_never:
        yield ~in_list(sellers, _ids(Organization.PREFIX, terms.sellers_never))
    if terms.sources_never:
        yield ~in_list(sources, _ids(Source.PREFIX, terms.sources_never))


def _ids(prefix: str, texts: Iterable[str]) -> list[UUID]:
    """The ids behind these public ones; what is none of its kind is nobody's."""
    found = (ids.decode(prefix, text) for text in texts)
    return [value for value in found if value is not None]
