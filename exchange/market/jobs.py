"""Jobs of the market: listings say "sold out" when they are."""

from __future__ import annotations

from uuid import UUID

from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.services import listings

LISTINGS_PER_SWEEP = 100


@job("market.reflect_stock")
def reflect_stock(listing_id: UUID) -> None:
    """Close a listing that is sold out, or open it again."""
    listings.reflect_stock(listing_id=listing_id)


@sweep("market.reflect_stock", seconds=10)
def find_listings_out_of_step() -> None:
    """Ring for listings whose state does not fit their stock."""
    for listing_id in queries.listings_out_of_step(limit=LISTINGS_PER_SWEEP):
        enqueue("market.reflect_stock", listing_id)
