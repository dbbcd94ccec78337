"""Auctions of the demo: one that was won, with its proof, and one that runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from exchange.cli.story_people import LOGINS, actor_of
from exchange.core import clock
from exchange.core.db import db
from exchange.market.auction_models import Auction, AuctionStatus
from exchange.market.services import auctions, awards, bids

UNITS: Final = 4
SHARE: Final = 120  # of a hundred, of the least that is accepted


def tell_bid(listing_id: UUID, *, hours: int) -> None:
    """A lot is auctioned from now on, and a buyer bids for a few of its leads."""
    seller, buyer = actor_of(LOGINS["seller"]), actor_of(LOGINS["buyer"])
    auction = auctions.schedule(
        listing_id=listing_id,
        units=UNITS,
        closes_at=clock.after_lock() + timedelta(hours=hours),
        actor=seller,
    )
    assert buyer.organization_id is not None
    bids.place(
        auction_id=auction.id,
        buyer_id=buyer.organization_id,
        amount=auction.floor.share(SHARE * 100),
        units=UNITS,
        actor=buyer,
    )


def tell_awards() -> None:
    """Auctions whose time is over are awarded, as the worker would a moment later."""
    over = select(Auction.id).where(
        Auction.status == AuctionStatus.OPEN, Auction.closes_at <= clock.after_lock()
    )
    for auction_id in db.session.scalars(over).all():
        awards.close(auction_id=auction_id)
