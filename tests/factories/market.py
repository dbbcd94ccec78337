"""Listings and orders for tests, made through the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from exchange.leads.models import Batch
from exchange.market.models import Listing, ListingStatus, Order
from exchange.market.services import listings, orders
from tests.cast import Player
from tests.factories.leads import make_batch


def make_listing(seller: Player, batch: Batch | None = None, **options: Any) -> Listing:
    """A published listing of a lot, or of a new one made with these `options`."""
    batch = batch or make_batch(seller, **options)
    listing = listings.create_from_batch(batch)
    assert listing is not None
    assert listing.status is ListingStatus.PUBLISHED
    return listing


def make_draft(seller: Player, **options: Any) -> Listing:
    """A listing that is not on sale yet."""
    batch = make_batch(seller, **options)
    return listings.create(batch_id=batch.id, actor=seller.actor)


def place(
    buyer: Player,
    listing: Listing,
    quantity: int | None = 1,
    *,
    lead_ids: Sequence[UUID] | None = None,
    criteria: dict[str, Any] | None = None,
    terms_version: int | None = None,
) -> Order:
    """An order of the buyer on the terms in force; the wallet must be full enough."""
    return orders.place_order(
        buyer_id=buyer.organization.id,
        listing_id=listing.id,
        quantity=None if lead_ids is not None else quantity,
        lead_ids=lead_ids,
        criteria=criteria,
        terms_version=listing.terms_version if terms_version is None else terms_version,
        actor=buyer.actor,
    )
