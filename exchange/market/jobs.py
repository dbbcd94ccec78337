"""Jobs of the market: listings say "sold out" when they are."""

from __future__ import annotations

from uuid import UUID

from exchange.core import clock
from exchange.core.db import unit_of_work
from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.services import listings, matches, meetings

LISTINGS_PER_SWEEP = 100
CONTRACTS_PER_SWEEP = 200


@job("market.reflect_stock")
def reflect_stock(listing_id: UUID) -> None:
    """Close a listing that is sold out, or open it again."""
    listings.reflect_stock(listing_id=listing_id)


@sweep("market.reflect_stock", seconds=10)
def find_listings_out_of_step() -> None:
    """Ring for listings whose state does not fit their stock."""
    for listing_id in queries.listings_out_of_step(limit=LISTINGS_PER_SWEEP):
        enqueue("market.reflect_stock", listing_id)


@job("market.match", steps=True)
def match(listing_id: UUID) -> None:
    """Let everything new of a listing meet the contracts, a thousand leads at a time."""
    with unit_of_work():
        seen = queries.match_requests(listing_id)
    while True:
        with unit_of_work():
            matched = matches.match_round(listing_id=listing_id)
        if not matched.leads:
            break
    if not matched.waiting:  # else the sweep rings again
        with unit_of_work():
            meetings.answer(seen)


@sweep("market.match", seconds=10)
def find_leads_to_match() -> None:
    """Ring for listings of which something is to meet the contracts."""
    for listing_id in queries.listings_to_match(limit=LISTINGS_PER_SWEEP):
        enqueue("market.match", listing_id)


@job("market.match_contract", steps=True)
def match_contract(contract_id: UUID) -> None:
    """Let a contract meet what is on sale, and say what limits it before and after."""
    with unit_of_work():
        since = clock.now()
        seen = queries.rounds_due(contract_id, since)
        goes_on = matches.review_contract(contract_id=contract_id)
    while goes_on:
        with unit_of_work():
            goes_on = matches.match_contract(contract_id=contract_id, since=since)
    with unit_of_work():
        matches.review_contract(contract_id=contract_id)
        meetings.close_rounds(seen)


@sweep("market.match_contract", seconds=10)
def find_contracts_due() -> None:
    """Ring for contracts that changed, or whose limit is over."""
    for contract_id in queries.contracts_due(clock.now(), limit=CONTRACTS_PER_SWEEP):
        enqueue("market.match_contract", contract_id)
