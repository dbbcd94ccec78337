"""Jobs of the market: what listings and contracts have to do when nobody asks them to."""

from __future__ import annotations

from uuid import UUID

from exchange.billing.services import pools
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import unit_of_work
from exchange.core.jobs import enqueue, job, sweep
from exchange.market import queries
from exchange.market.contract_models import Contract
from exchange.market.services import (
    action_holds,
    auctions,
    awards,
    listings,
    matches,
    meetings,
    offers,
    pings,
)
from exchange.market.services.listing_terms import NOTICE

LISTINGS_PER_SWEEP = 100
CONTRACTS_PER_SWEEP = 200
AUCTIONS_PER_SWEEP = 100
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


@job("market.reflect_contract")
def reflect_contract(contract_id: UUID) -> None:
    """Open or close posting for a contract, as its buyer has it."""
    offers.reflect(contract_id=contract_id)


@sweep("market.reflect_contract", seconds=30)
def find_contracts_out_of_step() -> None:
    """Ring for contracts that are posted for and should not be, or the other way round."""
    for contract_id in queries.contracts_out_of_step(limit=CONTRACTS_PER_SWEEP):
        enqueue("market.reflect_contract", contract_id)


@sweep("market.forget_pings", seconds=600)
def forget_pings() -> None:
    """Delete pings whose time is over."""
    pings.forget_old()


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


@job("market.follow_actions")
def follow_actions(contract_id: UUID) -> None:
    """Bring the pool of a contract to what its open leads ask for."""
    action_holds.follow(contract_id=contract_id, actor=SYSTEM)


@sweep("market.follow_actions", seconds=60)
def find_pools() -> None:
    """Ring for the pools that were sized longest ago: windows close while nobody looks."""
    for contract_id in pools.filled(kind=Contract.KIND, limit=POOLS_PER_SWEEP):
        enqueue("market.follow_actions", contract_id)
