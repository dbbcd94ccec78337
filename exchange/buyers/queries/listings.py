"""What the page of one listing shows before anything is bought: quality, terms, masked leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from exchange.billing import queries as billing
from exchange.buyers.narrowing import Narrowing
from exchange.buyers.queries.market import Market, market_of
from exchange.catalog import queries as catalog
from exchange.catalog.definition import Terms
from exchange.catalog.fields import FieldSpec, LeadFields
from exchange.core.db import db
from exchange.core.money import Money
from exchange.core.pagination import LIMIT, LIMIT_MAX
from exchange.identity import queries as identity
from exchange.leads import queries as inventory
from exchange.leads.cards import PublicCard, public_card
from exchange.leads.models import Batch, Lead
from exchange.market import queries as market
from exchange.market.decay import Decay
from exchange.market.models import Listing, ListingTerms
from exchange.market.queries import MaskedLead, MaskedLeads, Stock
from exchange.market.queries.stock import Goods, on_sale
from exchange.verification import queries as verification
from exchange.verification.queries import Quality

LEADS_COUNTED: Final = 1_000  # the freshest ones, in which filled fields are counted
PREVIEWED: Final = frozenset({"name", "phone", "email"})  # contact fields that a lead shows masked


@dataclass(frozen=True, slots=True)
class ListingView:
    """A listing with all that its page says about it."""

    listing: Listing
    batch: Batch
    market: Market
    seller: str  # the trade name
    fields: LeadFields  # of the lot's own schema
    agreed: ListingTerms  # what an order now would agree to
    terms: Terms  # of the vertical, in the version that is agreed to
    quality: Quality | None
    stock: Stock
    card: PublicCard  # of its source
    wallet: Money  # of the listing's currency
    decay: Decay | None
    is_new_to_viewer: bool  # who never bought from it
    is_related: bool  # the viewer is no stranger to its seller, and buys nothing


@dataclass(frozen=True, slots=True)
class Filled:
    """How many of the leads that were looked at have a field."""

    spec: FieldSpec
    share: float | None  # 0..1; None: locked, and nobody has looked


@dataclass(frozen=True, slots=True)
class Compared:
    """A listing beside others."""

    seen: ListingView
    left: int | None  # what the viewer can still buy of it
    filled: Mapping[str, Filled]  # by field


def get_listing_view(listing_id: UUID, *, viewer: UUID) -> ListingView:
    """A listing on sale, or sold out, with all that is shown of it. Raises NotFound."""
    listing = market.get_listing(listing_id, viewer=viewer)
    batch = market.get_batch_of(listing)
    vertical = inventory.vertical_of(listing.vertical_id)
    agreed = market.get_terms(listing.id, version=listing.terms_version)
    return ListingView(
        listing=listing,
        batch=batch,
        market=market_of(vertical),
        seller=market.seller_of(listing).trade_name,
        fields=inventory.fields_of(batch.schema_id),
        agreed=agreed,
        terms=catalog.get_terms(vertical, version=agreed.vertical_terms_version),
        quality=verification.published_quality(batch.id),
        stock=market.stocks([listing])[listing.id],
        card=public_card(batch),
        wallet=billing.spendable(viewer, listing.price.currency),
        decay=market.decay_of(listing),
        is_new_to_viewer=not market.has_bought_from(listing.id, buyer_id=viewer),
        is_related=listing.organization_id in identity.relatives(viewer),
    )


def masked_leads(
    seen: ListingView,
    *,
    viewer: UUID,
    narrowing: Narrowing,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> MaskedLeads:
    """A page of the leads that fit. Raises Invalid for a choice that no lead can have."""
    return market.sellable_leads(
        seen.listing,
        viewer=viewer,
        criteria=narrowing.criteria(seen.fields),
        region=narrowing.region,
        fresh_hours=narrowing.fresh_hours,
        cursor=cursor,
        limit=limit,
    )


def count_leads(seen: ListingView, *, viewer: UUID, narrowing: Narrowing) -> int | None:
    """How many leads fit; None: fewer than five under choices."""
    return market.count_sellable(
        seen.listing,
        viewer=viewer,
        criteria=narrowing.criteria(seen.fields),
        region=narrowing.region,
        fresh_hours=narrowing.fresh_hours,
    )


def freshest(
    seen: ListingView, *, viewer: UUID, narrowing: Narrowing, quantity: int
) -> list[MaskedLead]:
    """The first `quantity` leads that fit: those that "freshest first" would take."""
    found: list[MaskedLead] = []
    cursor = None
    while len(found) < quantity:
        page = masked_leads(
            seen, viewer=viewer, narrowing=narrowing, cursor=cursor, limit=LIMIT_MAX
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found[:quantity]


def regions_of(seen: ListingView) -> Sequence[tuple[str, int]]:
    """The regions of what is on sale with their leads, most first."""
    rows = db.session.execute(
        select(Lead.region, func.count().label("leads"))
        .where(*on_sale(Goods.of(seen.listing)))
        .group_by(Lead.region)
        .order_by(func.count().desc(), Lead.region)
    )
    return [(row.region, row.leads) for row in rows]


def completeness(seen: ListingView) -> list[Filled]:
    """Which fields a buyer gets and how often they are filled in, among the freshest leads."""
    looked_at, counts = _filled(Goods.of(seen.listing))
    return [
        Filled(spec, _share(spec, counts, of=looked_at))
        for spec in seen.fields.specs
        if not spec.is_record_field
    ]


def compare(seen: ListingView, *, viewer: UUID) -> Compared:
    """What is put beside other listings."""
    left = count_leads(seen, viewer=viewer, narrowing=Narrowing())
    return Compared(seen, left, {one.spec.name: one for one in completeness(seen)})


def _share(spec: FieldSpec, counts: Mapping[str, int], *, of: int) -> float | None:
    if spec.required:
        return 1.0
    if spec.contact and spec.name not in PREVIEWED:
        return None  # what is locked cannot be counted
    return counts.get(spec.name, 0) / of if of else None


def _filled(goods: Goods) -> tuple[int, dict[str, int]]:
    looked_at = (
        select(Lead.id, Lead.attributes, Lead.preview)
        .where(*on_sale(goods))
        .order_by(Lead.requested_at.desc(), Lead.id.desc())
        .limit(LEADS_COUNTED)
        .subquery()
    )
    known = type_coerce(looked_at.c.attributes, JSONB).concat(looked_at.c.preview)
    field = func.jsonb_object_keys(known).label("field")
    rows = db.session.execute(
        select(field, func.count().label("leads")).select_from(looked_at).group_by(field)
    )
    of = db.session.scalar(select(func.count()).select_from(looked_at)) or 0
    return of, {row.field: row.leads for row in rows}
