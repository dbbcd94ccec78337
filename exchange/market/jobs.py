"""Jobs of the market: listings say "sold out" when they are, contracts are posted for or not."""

from __future__ import annotations

from uuid import UUID

from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.services import listings, offers

LISTINGS_PER_SWEEP = 100
CONTRACTS_PER_SWEEP = 100


@job("market.reflect_stock")
def reflect_stock(listing_id: UUID) -> None:
    """Close a listing that is sold out, or open it again."""
    listings.reflect_stock(listing_id=listing_id)


@sweep("market.reflect_stock", seconds=10)
def find_listings_out_of_step() -> None:
    """Ring for listings whose state does not fit their stock."""
    for listing_id in queries.listings_out_of_step(limit=LISTINGS_PER_SWEEP):
        enqueue("market.reflect_stock", listing_id)


@job("market.reflect_contract")
def reflect_contract(contract_id: UUID) -> None:
    """Open or close posting for a contract, as its buyer has it."""
    offers.reflect(contract_id=contract_id)


@sweep("market.reflect_contract", seconds=30)
def find_contracts_out_of_step() -> None:
    """Ring for contracts that are posted for and should not be, or the other way round."""
    for contract_id in queries.contracts_out_of_step(limit=CONTRACTS_PER_SWEEP):
        enqueue("market.reflect_contract", contract_id)
