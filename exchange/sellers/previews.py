"""What buyers would see of a listing on the terms of a form, before the form is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.catalog import queries as catalog
from exchange.catalog.criteria import from_json
from exchange.catalog.fields import LeadFields
from exchange.catalog.jsonpaths import to_jsonpath
from exchange.catalog.models import Vertical
from exchange.catalog.policies import QualityClass
from exchange.core.money import Money
from exchange.leads import queries as leads
from exchange.leads.models import Batch
from exchange.market import queries as market
from exchange.market.filters import COUNT_MIN
from exchange.market.models import Listing, ListingMode
from exchange.market.queries import Goods, MaskedLead
from exchange.verification import queries as verification
from exchange.verification.queries import Quality
from exchange.verification.reputation import Grade


@dataclass(frozen=True, slots=True)
class Preview:
    """A listing as buyers would find it."""

    price: Money
    mode: ListingMode
    falls: bool  # the price, with age
    is_aged: bool
    sales_max: int
    vertical: Vertical
    fields: LeadFields
    left: int | None  # leads; None: so few fit that a listing of them would point at people
    lead: MaskedLead | None  # the first that a buyer sees, masked as for them
    quality_class: QualityClass  # as what it is sold
    quality: Quality | None
    grade: Grade
    guidance: market.PriceGuidance | None
    return_window_hours: int


def preview(
    batch: Batch, changes: Mapping[str, Any], *, listing: Listing | None = None
) -> Preview:  # Any: of Changes
    """The lot, or the listing of it, with these changes. Raises Invalid for criteria that are none.

    Nothing is checked that saving checks, and nothing is written.
    """
    vertical = leads.vertical_of(batch.vertical_id)
    fields = leads.fields_of(batch.schema_id)
    goods = _goods(batch, changes.get("criteria"), listing=listing, fields=fields)
    decay = changes["decay"] if "decay" in changes else listing and market.decay_of(listing)
    left = market.count_on_sale(goods)
    is_narrow = goods != Goods(batch.id) and not goods.is_aged and left < COUNT_MIN
    return Preview(
        price=changes.get("price") or (listing or batch).price,
        mode=changes.get("mode") or (listing.mode if listing else ListingMode.FIXED),
        falls=bool(decay),
        is_aged=goods.is_aged,
        sales_max=1 if goods.is_aged else batch.sales_max,
        vertical=vertical,
        fields=fields,
        left=None if is_narrow else left,
        lead=None if is_narrow else market.first_on_sale(goods, fields),
        quality_class=(listing or batch).quality_class,
        quality=verification.published_quality(batch.id),
        grade=_grade(batch),
        guidance=market.price_guidance(vertical.id, currency=vertical.currency),
        return_window_hours=catalog.get_terms(vertical).return_window_hours,
    )


def _goods(
    batch: Batch, criteria: Any, *, listing: Listing | None, fields: LeadFields
) -> Goods:  # Any: JSON, or None where they stay
    if criteria is None:
        return Goods.of(listing) if listing else Goods(batch.id)
    path = to_jsonpath(from_json(criteria, fields))
    return Goods(batch.id, path, listing.is_aged if listing else False)


def _grade(batch: Batch) -> Grade:
    return verification.reputation(
        seller_id=batch.organization_id, vertical_id=batch.vertical_id, source_id=batch.source_id
    ).grade
