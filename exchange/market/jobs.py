"""Jobs of the market: listings say "sold out" when they are, auctions open and close."""

from __future__ import annotations

from uuid import UUID

from exchange.core import clock
from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.services import auctions, awards, listings

LISTINGS_PER_SWEEP = 100
AUCTIONS_PER_SWEEP = 100


@job("market.reflect_stock")
def reflect_stock(listing_id: UUID) -> None:
    """Close a listing that is sold out, or open it again."""
    listings.reflect_stock(listing_id=listing_id)


@sweep("market.reflect_stock", seconds=10)
def find_listings_out_of_step() -> None:
    """Ring for listings whose state does not fit their stock."""
    for listing_id in queries.listings_out_of_step(limit=LISTINGS_PER_SWEEP):
        enqueue("market.reflect_stock", listing_id)


@job("market.open_auction")
def open_auction(auction_id: UUID) -> None:
    """Open an auction whose time has begun."""
    auctions.open_due(auction_id=auction_id)


@job("market.close_auction")
def close_auction(auction_id: UUID) -> None:
    """Award an auction whose time is over, in one transaction."""
    awards.close(auction_id=auction_id)


@sweep("market.auctions", seconds=2)
def find_auctions_due() -> None:
    """Ring for auctions that are to be opened or closed."""
    at = clock.after_lock()
    for auction_id in queries.due_to_open(at, limit=AUCTIONS_PER_SWEEP):
        enqueue("market.open_auction", auction_id)
    for auction_id in queries.due_to_close(at, limit=AUCTIONS_PER_SWEEP):
        enqueue("market.close_auction", auction_id)
