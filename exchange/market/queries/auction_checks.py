"""Sentences about auctions that hold at any moment; asked after every test and every night."""

from __future__ import annotations

from sqlalchemy import and_, func, select

from exchange.billing.models import Hold, HoldStatus
from exchange.core.db import db
from exchange.core.invariants import invariant
from exchange.market.auction_models import Auction, AuctionEntry, AuctionStatus, Bid, BidStatus
from exchange.market.models import Order

ENDED = (AuctionStatus.CLOSED, AuctionStatus.AWARDED, AuctionStatus.VOID)


@invariant("auctions.holds")
def bids_without_their_hold() -> list[str]:
    """A sealed bid has its money set aside, and no other bid has any."""
    active = and_(
        Hold.subject_kind == Bid.KIND,
        Hold.subject_id == Bid.id,
        Hold.status == HoldStatus.ACTIVE,
    )
    amount = Hold.__table__.c.amount_amount
    held = Bid.__table__.c.held_amount
    rows = db.session.execute(
        select(Bid.id, Bid.status, amount)
        .outerjoin(Hold, active)
        .where(
            ((Bid.status == BidStatus.SEALED) & (func.coalesce(amount, 0) != held))
            | ((Bid.status != BidStatus.SEALED) & amount.is_not(None))
        )
    )
    return [f"bid {row.id} is {row.status} and {row[2] or 0} is held for it" for row in rows]


@invariant("auctions.ended")
def bids_left_in_ended_auctions() -> list[str]:
    """No auction ends with a bid that was neither opened nor withdrawn."""
    rows = db.session.scalars(
        select(Bid.id)
        .join(Auction, Auction.id == Bid.auction_id)
        .where(Auction.status.in_(ENDED), Bid.status.in_([BidStatus.SEALED, BidStatus.OPENED]))
    )
    return [f"bid {bid_id} is left in an auction that has ended" for bid_id in rows]


@invariant("auctions.awards")
def awards_unlike_their_orders() -> list[str]:
    """What a bid won is what its order bought, at the price that was bid."""
    price = Order.__table__.c.price_amount
    rows = db.session.scalars(
        select(Bid.id)
        .outerjoin(Order, Order.bid_id == Bid.id)
        .where(
            (func.coalesce(Order.quantity, 0) != Bid.units_won) | (price != Bid.amount)
            | ((Bid.status == BidStatus.WON) != (Bid.units_won > 0))
        )
    )  # fmt: skip
    return [f"bid {bid_id} did not win what its order bought" for bid_id in rows]


@invariant("auctions.chain")
def auctions_beside_their_chain() -> list[str]:
    """An auction counts as many arrivals as its chain has, and names the newest link."""
    newest = (
        select(AuctionEntry.auction_id, func.max(AuctionEntry.sequence).label("entries"))
        .group_by(AuctionEntry.auction_id)
        .subquery("newest")
    )
    rows = db.session.scalars(
        select(Auction.id)
        .outerjoin(newest, newest.c.auction_id == Auction.id)
        .outerjoin(
            AuctionEntry,
            (AuctionEntry.auction_id == Auction.id) & (AuctionEntry.sequence == Auction.entries),
        )
        .where(
            (func.coalesce(newest.c.entries, 0) != Auction.entries)
            | ((Auction.entries > 0) & (func.coalesce(AuctionEntry.link, "") != Auction.head))
        )
    )
    return [f"auction {auction_id} does not fit its chain" for auction_id in rows]
