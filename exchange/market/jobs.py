"""Jobs of the market: what listings and contracts have to do when nobody asks them to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from exchange.billing.services import pools
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import unit_of_work
from exchange.core.jobs import Slice, enqueue_each, job, sweep
from exchange.market import queries
from exchange.market.auction_models import Auction
from exchange.market.contract_models import Contract
from exchange.market.models import Listing
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
TALLIES_PER_SWEEP = 500


@job("market.reflect_stock", short=True, of=Listing)
def reflect_stock(listing_id: UUID) -> None:
    """Close a listing that is sold out, or open it again."""
    listings.reflect_stock(listing_id=listing_id)


@sweep("market.reflect_stock", seconds=10)
def find_listings_out_of_step() -> None:
    """Ring for listings whose state does not fit their stock."""
    enqueue_each("market.reflect_stock", queries.listings_out_of_step(limit=LISTINGS_PER_SWEEP))


@job("market.let_price_fall", of=Listing)
def let_price_fall(listing_id: UUID) -> None:
    """Write the price that the age of a listing asks for as a new version of its terms."""
    listings.let_price_fall(listing_id=listing_id)


@sweep("market.let_price_fall", seconds=60)
def find_listings_to_reprice() -> None:
    """Ring for listings whose price has to fall."""
    enqueue_each("market.let_price_fall", queries.listings_to_reprice(limit=LISTINGS_PER_SWEEP))


@job("market.expire", of=Listing)
def expire(listing_id: UUID) -> None:
    """Take a listing off sale whose term is over."""
    listings.expire(listing_id=listing_id)


@sweep("market.expire", seconds=60)
def find_listings_to_expire() -> None:
    """Ring for listings whose term is over."""
    enqueue_each("market.expire", queries.listings_to_expire(limit=LISTINGS_PER_SWEEP))


@job("market.warn_of_expiry", of=Listing)
def warn_of_expiry(listing_id: UUID) -> None:
    """Let a seller know that a listing is about to expire."""
    listings.warn_of_expiry(listing_id=listing_id)


@sweep("market.warn_of_expiry", seconds=300)
def find_listings_to_warn_of() -> None:
    """Ring for listings that expire soon and whose seller does not know yet."""
    enqueue_each(
        "market.warn_of_expiry", queries.listings_to_warn_of(NOTICE, limit=LISTINGS_PER_SWEEP)
    )


@job("market.reflect_contract", short=True, of=Contract)
def reflect_contract(contract_id: UUID) -> None:
    """Open or close posting for a contract, as its buyer has it."""
    offers.reflect(contract_id=contract_id)


@sweep("market.reflect_contract", seconds=30)
def find_contracts_out_of_step() -> None:
    """Ring for contracts that are posted for and should not be, or the other way round."""
    enqueue_each(
        "market.reflect_contract", queries.contracts_out_of_step(limit=CONTRACTS_PER_SWEEP)
    )


@sweep("market.forget_pings", seconds=600)
def forget_pings() -> None:
    """Delete pings whose time is over."""
    pings.forget_old()


@job("market.open_auction", of=Auction)
def open_auction(auction_id: UUID) -> None:
    """Open an auction whose time has begun."""
    auctions.open_due(auction_id=auction_id)


@job("market.close_auction", of=Auction)
def close_auction(auction_id: UUID) -> None:
    """Award an auction whose time is over, in one transaction."""
    awards.close(auction_id=auction_id)


@sweep("market.auctions", seconds=2)
def find_auctions_due() -> None:
    """Ring for auctions that are to be opened or closed."""
    at = clock.after_lock()
    enqueue_each("market.open_auction", queries.due_to_open(at, limit=AUCTIONS_PER_SWEEP))
    enqueue_each("market.close_auction", queries.due_to_close(at, limit=AUCTIONS_PER_SWEEP))


@job("market.match", steps=True, short=True, of=Listing)
def match(listing_id: UUID, *, place: str = "") -> str | None:  # noqa: ARG001  # rows say it
    """Let everything new of a listing meet the contracts, a thousand leads at a time."""
    turn = Slice()
    with unit_of_work():
        seen = queries.match_requests(listing_id)
    while True:
        with unit_of_work():
            matched = matches.match_round(listing_id=listing_id)
        if not matched.leads:
            break
        if turn.is_over:
            return "goes on"
    if not matched.waiting:  # else the sweep rings again
        with unit_of_work():
            meetings.answer(seen)
    return None


@sweep("market.match", seconds=10)
def find_leads_to_match() -> None:
    """Ring for listings of which something is to meet the contracts."""
    enqueue_each("market.match", queries.listings_to_match(limit=LISTINGS_PER_SWEEP))


@job("market.match_contract", steps=True, short=True, of=Contract)
def match_contract(contract_id: UUID, *, place: str = "") -> str | None:
    """Let a contract meet what is on sale, and say what limits it before and after.

    `place`: the moment at which it began to, whose later meetings are not repeated.
    """
    turn = Slice()
    with unit_of_work():
        since = datetime.fromisoformat(place) if place else clock.now()
        seen = queries.rounds_due(contract_id, since)
        is_able = goes_on = matches.review_contract(contract_id=contract_id)
    while goes_on:
        with unit_of_work():
            goes_on = matches.match_contract(contract_id=contract_id, since=since)
        if goes_on and turn.is_over:
            return since.isoformat()
    with unit_of_work():
        if is_able:
            matches.review_contract(contract_id=contract_id)
        meetings.close_rounds(seen)
    return None


@sweep("market.match_contract", seconds=10)
def find_contracts_due() -> None:
    """Ring for contracts that changed, or whose limit is over."""
    enqueue_each(
        "market.match_contract", queries.contracts_due(clock.now(), limit=CONTRACTS_PER_SWEEP)
    )


@sweep("market.add_up_refusals", seconds=1)
def add_up_refusals() -> None:
    """Count by day what contracts did not get."""
    meetings.add_up_refusals(limit=TALLIES_PER_SWEEP)


@job("market.follow_actions", of=Contract)
def follow_actions(contract_id: UUID) -> None:
    """Bring the pool of a contract to what its open leads ask for."""
    action_holds.follow(contract_id=contract_id, actor=SYSTEM)


@sweep("market.follow_actions", seconds=60)
def find_pools() -> None:
    """Ring for the pools that were sized longest ago: windows close while nobody looks."""
    enqueue_each("market.follow_actions", pools.filled(kind=Contract.KIND, limit=POOLS_PER_SWEEP))
