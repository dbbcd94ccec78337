"""Questions about listings: what is offered on which terms, masked for whoever has not bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_

from exchange.catalog.criteria import EVERYTHING, Criteria, condition_fields, to_sql
from exchange.catalog.fields import FieldType, LeadFields, Value
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import db, get, parse_id
from exchange.core.errors import NotFound
from exchange.core.pagination import LIMIT, LIMIT_MAX, Page, paginate
from exchange.identity.models import Organization
from exchange.leads.mask import without_traces
from exchange.leads.models import Batch, Lead
from exchange.leads.queries import fields_of
from exchange.leads.temperature import Warmth, temperature
from exchange.market.decay import Decay
from exchange.market.filters import COUNT_MIN
from exchange.market.models import (
    Listing,
    ListingMode,
    ListingStatus,
    ListingTerms,
    Order,
)
from exchange.market.open_values import HIDDEN
from exchange.market.queries.openness import may_see
from exchange.market.queries.stock import (
    ATTRIBUTES,
    Goods,
    Rows,
    Stock,
    offered_to,
    on_sale,
    stocks,
)


@dataclass(frozen=True, slots=True)
class MaskedLead:
    """A lead as anybody may see it: what was asked for, never by whom."""

    id: UUID
    public_id: str
    requested_at: datetime
    region: str
    attributes: dict[str, Value]
    preview: dict[str, str]  # name, phone, email: that they are there
    fields_filled: int
    fields_total: int
    sold: int
    sales_max: int
    checked_at: datetime | None  # verified by us at
    asks: int  # how often the person asked
    last_asked_at: datetime | None
    temperature: Warmth
    first_sold_at: datetime | None  # of an aged lead, which was sold before


@dataclass(frozen=True, slots=True)
class MaskedLeads(Page[MaskedLead]):
    """A page of masked leads, freshest first."""

    is_withheld: bool = False  # so few people fit the criteria that none is shown


@dataclass(frozen=True, slots=True)
class Shown:
    """A listing with what is said beside its price."""

    listing: Listing
    batch: Batch
    vertical: str  # the code
    seller: str  # the trade name
    return_window_hours: int  # of the terms in force
    stock: Stock


def get_listing(listing_id: UUID, *, viewer: UUID | None) -> Listing:
    """A listing on sale or sold out that is open to the viewer, any of their own; staff see all.

    Raises NotFound.
    """
    listing = get(Listing, listing_id)
    if viewer is None or listing.organization_id == viewer:
        return listing
    public = listing.status in {ListingStatus.PUBLISHED, ListingStatus.SOLD_OUT}
    if not public or not may_see(listing, viewer):
        raise NotFound
    return listing


def get_own_listing(listing_id: UUID, *, viewer: UUID) -> Listing:
    """A seller's own listing. Raises NotFound."""
    listing = get(Listing, listing_id)
    if listing.organization_id != viewer:
        raise NotFound
    return listing


def listings_of_seller(
    organization_id: UUID,
    *,
    status: ListingStatus | None = None,
    mode: ListingMode | None = None,
    vertical_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Listing]:
    """A seller's listings, newest first."""
    own = select(Listing).where(Listing.organization_id == organization_id)
    if mode is not None:
        own = own.where(Listing.mode == mode)
    if vertical_id is not None:
        own = own.where(Listing.vertical_id == vertical_id)
    if status is not None:
        own = own.where(Listing.status == status)
    return paginate(own, Listing, cursor=cursor, limit=limit)


def find_listing_of_batch(batch_id: UUID, *, is_aged: bool = False) -> Listing | None:
    """What a lot is sold as in whole, if it is: the first time, or as aged."""
    whole = Listing.__table__.c.criteria == {}
    return db.session.scalar(
        select(Listing).where(Listing.batch_id == batch_id, whole, Listing.is_aged == is_aged)
    )


def listings_of_batch(batch_id: UUID) -> Sequence[Listing]:
    """All that a lot is sold as: the whole, filters over it, and as aged; oldest first."""
    statement = select(Listing).where(Listing.batch_id == batch_id)
    return db.session.scalars(statement.order_by(Listing.id)).all()


def get_batch_of(listing: Listing) -> Batch:
    """The lot on sale."""
    return get(Batch, listing.batch_id)


def decay_of(listing: Listing) -> Decay | None:
    """How the price falls; None: it does not."""
    return Decay.from_json(listing.decay, listing.price.currency)


def terms_history(listing_id: UUID) -> Sequence[ListingTerms]:
    """Every version of a listing's terms, newest first."""
    statement = select(ListingTerms).where(ListingTerms.listing_id == listing_id)
    return db.session.scalars(statement.order_by(ListingTerms.version.desc())).all()


def shown(listings: Sequence[Listing], *, stock: Mapping[UUID, Stock] | None = None) -> list[Shown]:
    """The listings with what belongs to them, in their order; their stock where it is known."""
    rows = db.session.execute(
        select(
            Listing.id,
            Batch,
            Vertical.code,
            Organization.trade_name,
            ListingTerms.return_window_hours.label("hours"),
        )
        .join(Batch, Batch.id == Listing.batch_id)
        .join(Vertical, Vertical.id == Listing.vertical_id)
        .join(Organization, Organization.id == Listing.organization_id)
        .join(
            ListingTerms,
            (ListingTerms.listing_id == Listing.id)
            & (ListingTerms.version == Listing.terms_version),
        )
        .where(Listing.id.in_([listing.id for listing in listings]))
    )
    by_id = {row.id: row for row in rows}
    stock = stocks(listings) if stock is None else stock
    found = [(listing, by_id[listing.id]) for listing in listings]
    return [
        Shown(one, row.Batch, row.code, row.trade_name, row.hours, stock[one.id])
        for one, row in found
    ]


def sellable_leads(
    listing: Listing,
    *,
    viewer: UUID,
    criteria: Criteria = EVERYTHING,
    region: str | None = None,
    fresh_hours: int | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> MaskedLeads:
    """Masked leads of a listing that the viewer can still buy, freshest first.

    Where criteria fit fewer than five people none is shown: a filter is no way to look somebody
    up. Nor where they ask what is hidden of a lead: who stays in the list would tell it. They can
    be bought by quantity all the same. Region and freshness never hide.
    """
    statement = _sellable(listing, viewer, region=region, fresh_hours=fresh_hours)
    statement = statement.where(to_sql(criteria, ATTRIBUTES))
    batch = get_batch_of(listing)
    asks_hidden = _asks_hidden(criteria, fields_of(batch.schema_id))
    if asks_hidden or (criteria != EVERYTHING and _is_narrow(statement)):
        return MaskedLeads((), None, is_withheld=True)
    return _page(statement, batch, cursor=cursor, limit=min(limit, LIMIT_MAX))


def count_sellable(
    listing: Listing,
    *,
    viewer: UUID,
    criteria: Criteria = EVERYTHING,
    region: str | None = None,
    fresh_hours: int | None = None,
) -> int | None:
    """How many leads `sellable_leads` has in all; None where criteria fit fewer than five.

    None as well where they ask what is hidden of a lead.
    """
    if _asks_hidden(criteria, fields_of(get_batch_of(listing).schema_id)):
        return None
    statement = _sellable(listing, viewer, region=region, fresh_hours=fresh_hours)
    statement = statement.where(to_sql(criteria, ATTRIBUTES))
    found = statement.with_only_columns(func.count(), maintain_column_froms=True)
    count = db.session.scalar(found) or 0
    return None if criteria != EVERYTHING and count < COUNT_MIN else count


def first_on_sale(goods: Goods, fields: LeadFields) -> MaskedLead | None:
    """The lead of a lot that stands first before its buyers, masked as for them; if one is left."""
    statement = select(Lead).where(*on_sale(goods))
    freshest = statement.order_by(Lead.requested_at.desc(), Lead.id.desc()).limit(1)
    lead = db.session.scalar(freshest)
    return None if lead is None else masked(lead, fields)


def count_on_sale(goods: Goods) -> int:
    """How many leads of a lot can still be bought, by whomever."""
    return db.session.scalar(select(func.count()).select_from(Lead).where(*on_sale(goods))) or 0


def masked(lead: Lead, fields: LeadFields) -> MaskedLead:
    """What may be shown of a lead to somebody who has not bought it."""
    return MaskedLead(
        id=lead.id,
        public_id=lead.public_id,
        requested_at=lead.requested_at,
        region=lead.region,
        attributes=shown_attributes(lead.attributes, fields),
        preview=without_traces(lead.preview),
        fields_filled=len(lead.attributes) + len(lead.preview),
        fields_total=len(fields.attributes) + len(fields.contacts),
        sold=lead.sold,
        sales_max=lead.sales_max,
        checked_at=lead.checked_at,
        asks=lead.asks,
        last_asked_at=lead.last_asked_at,
        temperature=warmth_of(lead),
        first_sold_at=lead.first_sold_at,
    )


def warmth_of(lead: Lead) -> Warmth:
    """How warm the lead is now, and the fact that makes it so."""
    return temperature(
        requested_at=lead.requested_at,
        asks=lead.asks,
        last_asked_at=lead.last_asked_at,
        checked_at=lead.checked_at,
        now=clock.now(),
    )


def shown_attributes(attributes: Mapping[str, Any], fields: LeadFields) -> dict[str, Value]:
    """The attributes without free text and postal codes; of a date only the year."""
    shown: dict[str, Value] = {}
    for spec in fields.attributes:
        value = attributes.get(spec.name)
        if value is None or spec.type in HIDDEN:
            continue
        shown[spec.name] = str(value)[:4] if spec.type is FieldType.DATE else value
    return shown


def seller_of(listing: Listing) -> Organization:
    """Who sells; the other side sees the trade name only."""
    return get(Organization, listing.organization_id)


def orders_placed_on(listing_id: UUID) -> int:
    """How many orders were placed on a listing."""
    statement = select(func.count()).select_from(Order).where(Order.listing_id == listing_id)
    return db.session.scalar(statement) or 0


def _sellable(
    listing: Listing, viewer: UUID, *, region: str | None, fresh_hours: int | None
) -> Select[Lead]:
    statement = select(Lead).where(*on_sale(Goods.of(listing)), *offered_to(viewer))
    if region is not None:
        statement = statement.where(Lead.region == region)
    if fresh_hours is not None:
        since = clock.now() - timedelta(hours=fresh_hours)
        statement = statement.where(Lead.requested_at >= since)
    return statement


def _asks_hidden(criteria: Criteria, fields: LeadFields) -> bool:
    asked = (fields.by_name[name].type for name in condition_fields(criteria))
    return not (HIDDEN | {FieldType.DATE}).isdisjoint(asked)


def _is_narrow(statement: Rows) -> bool:
    few = statement.with_only_columns(Lead.id).limit(COUNT_MIN).subquery()
    return (db.session.scalar(select(func.count()).select_from(few)) or 0) < COUNT_MIN


def _page(
    statement: Select[Lead], batch: Batch, *, cursor: str | None, limit: int
) -> MaskedLeads:  # Any: a row of Lead
    if cursor:
        last = get(Lead, parse_id(cursor, Lead))
        statement = statement.where(
            tuple_(Lead.requested_at, Lead.id) < tuple_(last.requested_at, last.id)
        )
    ordered = statement.order_by(Lead.requested_at.desc(), Lead.id.desc()).limit(limit + 1)
    found = db.session.scalars(ordered).all()
    fields = fields_of(batch.schema_id)
    page = [masked(lead, fields) for lead in found[:limit]]
    return MaskedLeads(page, page[-1].public_id if len(found) > limit else None)
