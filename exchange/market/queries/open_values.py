"""Criteria of a search as they may be answered: what few share is asked of nobody (decision 26)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy import and_, func, select

from exchange.catalog.criteria import EVERYTHING, In, to_sql
from exchange.catalog.fields import LeadFields, Value
from exchange.catalog.models import LeadSchema, Vertical
from exchange.core.db import db
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Lead
from exchange.leads.queries import fields_of
from exchange.market.filters import COUNT_MIN, Filters
from exchange.market.kept import current_cube
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.open_values import Shared, Types, hidden_values, openly
from exchange.market.queries.stock import ATTRIBUTES, offered


def answerable(filters: Filters, fields: LeadFields | None = None) -> Filters:
    """The filters as whoever has bought nothing is answered, the same for everybody.

    The fields of the vertical are looked up where they are not given.
    """
    if filters.criteria == EVERYTHING:
        return filters
    types = types_in(fields) if fields else types_of(filters.vertical_id)
    asked = hidden_values(filters.criteria, types)
    cube = current_cube()
    shared = cube.shared(filters, asked) if cube else _shared(filters.vertical_id, asked)
    return replace(filters, criteria=openly(filters.criteria, types=types, shared=shared))


def types_of(vertical_id: UUID | None) -> Types:
    """The types of the attributes that can be asked for; None: of every vertical."""
    newest = select(LeadSchema.id).join(
        Vertical,
        (Vertical.id == LeadSchema.vertical_id) & (Vertical.schema_version == LeadSchema.version),
    )
    if vertical_id is not None:
        newest = newest.where(Vertical.id == vertical_id)
    # Only ids are asked for: whoever searches has read the schema, which is large, already.
    found = [types_in(fields_of(schema_id)) for schema_id in db.session.scalars(newest)]
    return {name: kind for types in found for name, kind in types.items()}


def types_in(fields: LeadFields) -> Types:
    """The types of the attributes of a schema."""
    return {spec.name: spec.type for spec in fields.attributes}


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
