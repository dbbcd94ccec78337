"""Jobs of the market: listings say "sold out" when they are."""

from __future__ import annotations

from uuid import UUID

from exchange.billing.services import pools
from exchange.core.actors import SYSTEM
from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.contract_models import Contract
from exchange.market.services import action_holds, listings

LISTINGS_PER_SWEEP = 100
POOLS_PER_SWEEP = 200


@job("market.reflect_stock")
def reflect_stock(listing_id: UUID) -> None:
    """Close a listing that is sold out, or open it again."""
    listings.reflect_stock(listing_id=listing_id)


@sweep("market.reflect_stock", seconds=10)
def find_listings_out_of_step() -> None:
    """Ring for listings whose state does not fit their stock."""
    for listing_id in queries.listings_out_of_step(limit=LISTINGS_PER_SWEEP):
        enqueue("market.reflect_stock", listing_id)


@job("market.follow_actions")
def follow_actions(contract_id: UUID) -> None:
    """Bring the pool of a contract to what its open leads ask for."""
    action_holds.follow(contract_id=contract_id, actor=SYSTEM)


@sweep("market.follow_actions", seconds=60)
def find_pools() -> None:
    """Ring for the pools that were sized longest ago: windows close while nobody looks."""
    for contract_id in pools.filled(kind=Contract.KIND, limit=POOLS_PER_SWEEP):
        enqueue("market.follow_actions", contract_id)
