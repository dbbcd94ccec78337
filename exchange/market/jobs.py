"""Jobs of the market: listings say "sold out" when they are, fall in price and expire in time."""

from __future__ import annotations

from uuid import UUID

from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.services import listings
from exchange.market.services.listing_terms import NOTICE

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


@job("market.let_price_fall")
def let_price_fall(listing_id: UUID) -> None:
    """Write the price that the age of a listing asks for as a new version of its terms."""
    listings.let_price_fall(listing_id=listing_id)


@sweep("market.let_price_fall", seconds=60)
def find_listings_to_reprice() -> None:
    """Ring for listings whose price has to fall."""
    for listing_id in queries.listings_to_reprice(limit=LISTINGS_PER_SWEEP):
        enqueue("market.let_price_fall", listing_id)


@job("market.expire")
def expire(listing_id: UUID) -> None:
    """Take a listing off sale whose term is over."""
    listings.expire(listing_id=listing_id)


@sweep("market.expire", seconds=60)
def find_listings_to_expire() -> None:
    """Ring for listings whose term is over."""
    for listing_id in queries.listings_to_expire(limit=LISTINGS_PER_SWEEP):
        enqueue("market.expire", listing_id)


@job("market.warn_of_expiry")
def warn_of_expiry(listing_id: UUID) -> None:
    """Let a seller know that a listing is about to expire."""
    listings.warn_of_expiry(listing_id=listing_id)


@sweep("market.warn_of_expiry", seconds=300)
def find_listings_to_warn_of() -> None:
    """Ring for listings that expire soon and whose seller does not know yet."""
    for listing_id in queries.listings_to_warn_of(NOTICE, limit=LISTINGS_PER_SWEEP):
        enqueue("market.warn_of_expiry", listing_id)
