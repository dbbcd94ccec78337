"""Jobs of the market: listings say "sold out" when they are, contracts what limits them."""

from __future__ import annotations

from uuid import UUID

from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.services import contracts, listings

LISTINGS_PER_SWEEP = 100
TRIALS_PER_SWEEP = 100


@job("market.reflect_stock")
def reflect_stock(listing_id: UUID) -> None:
    """Close a listing that is sold out, or open it again."""
    listings.reflect_stock(listing_id=listing_id)


@sweep("market.reflect_stock", seconds=10)
def find_listings_out_of_step() -> None:
    """Ring for listings whose state does not fit their stock."""
    for listing_id in queries.listings_out_of_step(limit=LISTINGS_PER_SWEEP):
        enqueue("market.reflect_stock", listing_id)


@job("market.follow_contract")
def follow_contract(contract_id: UUID) -> None:
    """End a trial that is done, and tell the buyer of a limit."""
    contracts.follow(contract_id=contract_id)


@sweep("market.trials", seconds=60)
def find_finished_trials() -> None:
    """Ring for contracts whose trial has its leads and that are not paused yet."""
    for contract_id in queries.finished_trials(limit=TRIALS_PER_SWEEP):
        enqueue("market.follow_contract", contract_id)
