"""Auctions and bids for tests, made through the verbs."""

from __future__ import annotations

from datetime import timedelta

from exchange.core import clock
from exchange.core.money import Currency, Money
from exchange.market.auction_models import Auction, Bid
from exchange.market.models import Listing
from exchange.market.services import auctions, awards, bids
from tests.cast import Player

HOUR = timedelta(hours=1)


def make_auction(
    seller: Player,
    listing: Listing,
    *,
    units: int = 10,
    after: timedelta | None = None,
    lasts: timedelta = HOUR,
) -> Auction:
    """An auction of the listing that is open now, or opens after so long."""
    opens_at = None if after is None else clock.now() + after
    return auctions.schedule(
        listing_id=listing.id,
        units=units,
        opens_at=opens_at,
        closes_at=(opens_at or clock.after_lock()) + lasts,
        actor=seller.actor,
    )


def bid(buyer: Player, auction: Auction, amount: int, units: int = 1) -> Bid:
    """A sealed bid of `amount` minor units for each lead; the wallet must be full enough."""
    return bids.place(
        auction_id=auction.id,
        buyer_id=buyer.organization.id,
        amount=Money(amount, Currency(auction.floor.currency)),
        units=units,
        actor=buyer.actor,
    )


def close(auction: Auction, after: timedelta = HOUR) -> Auction:
    """Let the time pass and close it."""
    clock.advance(after)
    return awards.close(auction_id=auction.id)
