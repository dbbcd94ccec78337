"""Criteria of a search as they may be answered: what few share is asked of nobody (decision 26)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy import and_, func, select

from exchange.catalog import queries as catalog
from exchange.catalog.criteria import EVERYTHING, In, to_sql
from exchange.catalog.fields import Value
from exchange.catalog.models import Vertical
from exchange.core.db import db, get
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Lead
from exchange.market.filters import COUNT_MIN, Filters
from exchange.market.kept import current_cube
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.open_values import Shared, Types, hidden_values, openly
from exchange.market.queries.stock import ATTRIBUTES, offered


def answerable(filters: Filters) -> Filters:
    """The filters as whoever has bought nothing is answered, the same for everybody."""
    if filters.criteria == EVERYTHING:
        return filters
    types = types_of(filters.vertical_id)
    asked = hidden_values(filters.criteria, types)
    cube = current_cube()
    shared = cube.shared(filters, asked) if cube else _shared(filters.vertical_id, asked)
    return replace(filters, criteria=openly(filters.criteria, types=types, shared=shared))


def types_of(vertical_id: UUID | None) -> Types:
    """The types of the attributes that can be asked for; None: of every vertical."""
    found = [get(Vertical, vertical_id)] if vertical_id else catalog.verticals(with_paused=True)
    schemas = (catalog.get_schema(vertical) for vertical in found)
    return {spec.name: spec.type for schema in schemas for spec in schema.fields.attributes}


def _shared(vertical_id: UUID | None, asked: Mapping[str, Collection[Value]]) -> Shared:
    """Those of the values that five leads on sale have, whoever may see them."""
    here = () if vertical_id is None else (Listing.vertical_id == vertical_id,)
    found = {}
    for field, values in asked.items():
        value = ATTRIBUTES[field].astext
        statement = (
            select(value)
            .select_from(Listing)
            .join(Lead, and_(*offered()))
            .join(Organization, Organization.id == Listing.organization_id)
            .where(
                Listing.status == ListingStatus.PUBLISHED,
                Listing.mode != ListingMode.TARGETED,
                Organization.status == OrganizationStatus.APPROVED,
                *here,
                to_sql(In(field, tuple(values)), ATTRIBUTES),
            )
            .group_by(value)
            .having(func.count(Lead.id.distinct()) >= COUNT_MIN)
        )
        found[field] = frozenset(db.session.scalars(statement))
    return found
