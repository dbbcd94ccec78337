"""What the market shows: listings with their measured quality, their regions and paid prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.catalog.fields import FieldSpec, LeadFields
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import db, get
from exchange.core.pagination import Page
from exchange.market import queries as market
from exchange.market.filters import REGION, age_band
from exchange.market.models import ListingTerms
from exchange.market.queries import Filters, Found, PriceGuidance, PriceTable, Sort
from exchange.verification import queries as verification
from exchange.verification.queries import Quality


@dataclass(frozen=True, slots=True)
class Market:
    """What the pages say of a vertical: its regions by name and what was paid lately."""

    vertical: Vertical
    region: FieldSpec | None
    prices: PriceTable
    asked_region: str | None = None  # to which prices are narrowed where enough was sold

    @property
    def guidance(self) -> PriceGuidance | None:
        """What was paid for leads of any age."""
        return self.prices.nearest(self.asked_region, None)

    def guidance_at(self, moment: datetime) -> PriceGuidance | None:
        """What was paid for leads as old as those who asked at that moment are now."""
        return self.prices.nearest(self.asked_region, age_band(clock.now() - moment))


@dataclass(frozen=True, slots=True)
class Offer:
    """A listing as the market shows it."""

    found: Found
    market: Market
    quality: Quality | None
    window_hours: int  # for a return, from delivery


@dataclass(frozen=True, slots=True)
class Offers(Page[Offer]):
    """A page of offers, in the shape of every page."""

    counted_at: datetime


def offers(
    *,
    viewer: UUID,
    filters: Filters,
    fields: LeadFields | None = None,
    sort: Sort,
    cursor: str | None,
) -> Offers:
    """Listings that fit and that the viewer can buy from, with all that is shown of them."""
    results = market.search(viewer=viewer, filters=filters, fields=fields, sort=sort, cursor=cursor)
    listings = [found.listing for found in results.items]
    batch_ids = [listing.batch_id for listing in listings]
    region = filters.regions[0] if filters.regions else None
    markets = {
        vertical_id: market_of(get(Vertical, vertical_id), region=region)
        for vertical_id in {listing.vertical_id for listing in listings}
    }
    qualities, windows = verification.published_qualities(batch_ids), _windows(results.items)
    items = [
        Offer(
            found=found,
            market=markets[found.listing.vertical_id],
            quality=qualities.get(found.listing.batch_id),
            window_hours=windows[found.listing.id],
        )
        for found in results.items
    ]
    return Offers(items, results.next_cursor, results.counted_at)


def market_of(vertical: Vertical, *, region: str | None = None) -> Market:
    """What is said of a vertical, prices narrowed to one region where it is given."""
    fields = catalog.get_schema(vertical).fields
    prices = market.price_table(vertical.id, currency=vertical.currency)
    return Market(vertical, fields.by_name.get(REGION), prices, region)


def _windows(found: Sequence[Found]) -> Mapping[UUID, int]:
    """The return window of the terms in force, by listing."""
    rows = db.session.execute(
        select(ListingTerms.listing_id, ListingTerms.version, ListingTerms.return_window_hours)
        .where(ListingTerms.listing_id.in_([one.listing.id for one in found]))
        .order_by(ListingTerms.version)
    )
    return {row.listing_id: row.return_window_hours for row in rows}
