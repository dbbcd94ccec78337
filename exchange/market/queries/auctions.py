"""Questions about auctions. Of a bid nobody reads the amount before the close opens it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_

from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.money import Money
from exchange.core.pagination import LIMIT, Page, paginate
from exchange.identity.models import Organization
from exchange.leads.models import Lead
from exchange.market.auction_models import (
    RUNNING,
    Auction,
    AuctionEntry,
    AuctionStatus,
    Bid,
    BidStatus,
)
from exchange.market.auction_proof import FORMAT, Entry, EntryKind, genesis, instant
from exchange.market.models import Listing, ListingStatus, Order
from exchange.market.queries.listings import get_listing
from exchange.market.queries.openness import open_to
from exchange.market.queries.stock import Goods, on_sale


@dataclass(frozen=True, slots=True)
class Result:
    """What one bid came to, under its pseudonym."""

    sequence: int
    bidder: str
    amount: Money  # for one lead
    units: int
    units_won: int


def get_auction(auction_id: UUID, *, viewer: UUID | None) -> Auction:
    """One's own auction, one that one bid in, or one of a listing that one may see.

    Staff look with viewer None. Raises NotFound.
    """
    auction = get(Auction, auction_id)
    if viewer is None or auction.organization_id == viewer or has_bid(auction.id, viewer):
        return auction
    get_listing(auction.listing_id, viewer=viewer)
    return auction


def get_own_auction(auction_id: UUID, *, viewer: UUID) -> Auction:
    """A seller's own auction. Raises NotFound."""
    auction = get(Auction, auction_id)
    if auction.organization_id != viewer:
        raise NotFound
    return auction


def auctions(
    *,
    viewer: UUID,
    is_seller: bool = False,
    status: Collection[AuctionStatus] = (),
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Auction]:
    """A seller's own auctions, or those of listings that a buyer may see, newest first."""
    statement = select(Auction)
    if is_seller:
        statement = statement.where(Auction.organization_id == viewer)
    else:
        public = (ListingStatus.PUBLISHED, ListingStatus.SOLD_OUT)
        statement = statement.join(Listing, Listing.id == Auction.listing_id)
        statement = statement.where(Listing.status.in_(public), *open_to(viewer))
    if status:
        statement = statement.where(Auction.status.in_(status))
    return paginate(statement, Auction, cursor=cursor, limit=limit)


def running_auction(listing_id: UUID) -> Auction | None:
    """The auction of a listing that is announced or open."""
    return db.session.scalar(
        select(Auction).where(Auction.listing_id == listing_id, Auction.status.in_(RUNNING))
    )


def has_bid(auction_id: UUID, organization_id: UUID) -> bool:
    """Whether the organization ever bid in it."""
    found = select(Bid.id).where(
        Bid.auction_id == auction_id, Bid.organization_id == organization_id
    )
    return db.session.scalar(found.limit(1)) is not None


def latest_bids(auction_ids: Collection[UUID], *, viewer: UUID) -> Mapping[UUID, Bid]:
    """The newest version of the viewer's bid in each auction, whatever became of it."""
    newest = (
        select(Bid.auction_id, func.max(Bid.sequence))
        .where(Bid.organization_id == viewer, Bid.auction_id.in_(auction_ids))
        .group_by(Bid.auction_id)
    )
    found = select(Bid).where(
        Bid.organization_id == viewer,
        tuple_(Bid.auction_id, Bid.sequence).in_(newest),
    )
    return {bid.auction_id: bid for bid in db.session.scalars(found)}


def links_of_bids(bids: Collection[Bid]) -> Mapping[UUID, str]:
    """By bid, its link in the public chain."""
    rows = db.session.execute(
        select(Bid.id, AuctionEntry.link)
        .join(
            AuctionEntry,
            (AuctionEntry.auction_id == Bid.auction_id) & (AuctionEntry.sequence == Bid.sequence),
        )
        .where(Bid.id.in_([bid.id for bid in bids]))
    )
    return {row.id: row.link for row in rows}


def get_own_bid(bid_id: UUID, *, viewer: UUID) -> Bid:
    """A bid of the viewer's. Raises NotFound."""
    bid = get(Bid, bid_id)
    if bid.organization_id != viewer:
        raise NotFound
    return bid


def own_bids(*, viewer: UUID, cursor: str | None = None, limit: int = LIMIT) -> Page[Bid]:
    """What a buyer bid, newest first; versions that a later one replaced are left out."""
    statement = select(Bid).where(Bid.organization_id == viewer, ~Bid.is_replaced)
    return paginate(statement, Bid, cursor=cursor, limit=limit)


def standing_bids(auction_id: UUID) -> Sequence[Bid]:
    """The sealed bids of an auction by arrival; of each bidder there is one at most."""
    statement = select(Bid).where(Bid.auction_id == auction_id, Bid.status == BidStatus.SEALED)
    return db.session.scalars(statement.order_by(Bid.sequence)).all()


def bid_counts(auction_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """How many bids stand or stood at the close, by auction.

    Anybody may know it: the commitments are public as they arrive.
    """
    rows = db.session.execute(
        select(Bid.auction_id, func.count().label("bids"))
        .where(Bid.auction_id.in_(auction_ids), Bid.status != BidStatus.WITHDRAWN)
        .group_by(Bid.auction_id)
    )
    return {row.auction_id: row.bids for row in rows}


def opened_bids(auction_id: UUID) -> Sequence[Bid]:
    """The bids that stood at the close, the best first."""
    statement = select(Bid).where(Bid.auction_id == auction_id, Bid.amount.is_not(None))
    return db.session.scalars(statement.order_by(Bid.amount.desc(), Bid.sequence)).all()


def results(auction: Auction) -> list[Result]:
    """What every opened bid came to, the best first; empty before the close."""
    names = {entry.sequence: entry.bidder for entry in entries(auction.id)}
    return [
        Result(bid.sequence, names[bid.sequence], bid.price, bid.units or 0, bid.units_won)
        for bid in opened_bids(auction.id)
        if bid.price is not None
    ]


def orders_of_bids(bid_ids: Collection[UUID]) -> Mapping[UUID, Order]:
    """The orders that bids won, by bid."""
    found = db.session.scalars(select(Order).where(Order.bid_id.in_(bid_ids)))
    return {order.bid_id: order for order in found if order.bid_id is not None}


def sales_left(listing: Listing) -> int:
    """How many sales the listing can still make, by whomever."""
    left = func.sum(Lead.sales_max - Lead.sold)
    return db.session.scalar(select(left).where(*on_sale(Goods.of(listing)))) or 0


def seller_may_sell(listing: Listing) -> bool:
    """Whether the listing is on sale, or sold out, and its seller may trade."""
    on_offer = listing.status in {ListingStatus.PUBLISHED, ListingStatus.SOLD_OUT}
    return on_offer and get(Organization, listing.organization_id).is_approved


def due_to_open(at: datetime, *, limit: int) -> Sequence[UUID]:
    """Auctions whose time has begun."""
    statement = select(Auction.id).where(
        Auction.status == AuctionStatus.SCHEDULED, Auction.opens_at <= at
    )
    return db.session.scalars(statement.order_by(Auction.opens_at).limit(limit)).all()


def due_to_close(at: datetime, *, limit: int) -> Sequence[UUID]:
    """Auctions whose time is over."""
    statement = select(Auction.id).where(Auction.status.in_(RUNNING), Auction.closes_at <= at)
    return db.session.scalars(statement.order_by(Auction.closes_at).limit(limit)).all()


def terms_of_auction(auction: Auction) -> dict[str, Any]:  # Any: JSON
    """What bidders agree to, as the first link of the chain fixes it."""
    return {
        "auction": auction.public_id,
        "opens_at": instant(auction.opens_at),
        "closes_at": instant(auction.closes_at),
        "currency": str(auction.floor.currency),
        "floor": auction.floor.amount,
        "units": auction.units,
        "rule": "pay your bid; highest first, then earliest; floor or void",
    }


def entries(auction_id: UUID) -> list[Entry]:
    """The chain of an auction so far."""
    rows = db.session.scalars(
        select(AuctionEntry)
        .where(AuctionEntry.auction_id == auction_id)
        .order_by(AuctionEntry.sequence)
    )
    return [
        Entry(row.sequence, row.kind, row.bidder, instant(row.at), row.commitment, row.link)
        for row in rows
    ]


def facts_of_close(auction: Auction) -> dict[str, Any] | None:  # Any: JSON
    """What the award depended on beside the bids; None before the close."""
    if auction.offered is None:
        return None
    return {"offered": auction.offered, "limits": dict(auction.limits)}


def auction_proof(auction: Auction) -> dict[str, Any]:  # Any: JSON
    """All that is public of an auction: before the close its chain, afterwards everything."""
    terms, chain = terms_of_auction(auction), entries(auction.id)
    is_closed = any(entry.kind is EntryKind.CLOSE for entry in chain)
    found = results(auction) if is_closed else []
    return {
        "format": FORMAT,
        "terms": terms,
        "genesis": genesis(terms),
        "entries": [_entry_json(entry) for entry in chain],
        "facts": facts_of_close(auction),
        "openings": [_opening_json(bid) for bid in opened_bids(auction.id)] if is_closed else [],
        "result": _result_json(auction, found) if is_closed else None,
    }


def _entry_json(entry: Entry) -> dict[str, Any]:  # Any: JSON
    return {
        "sequence": entry.sequence,
        "kind": str(entry.kind),
        "bidder": entry.bidder,
        "at": entry.at,
        "commitment": entry.commitment,
        "link": entry.link,
    }


def _opening_json(bid: Bid) -> dict[str, Any]:  # Any: JSON
    return {
        "sequence": bid.sequence, "amount": bid.amount, "units": bid.units, "nonce": bid.nonce,
    }  # fmt: skip


def _result_json(auction: Auction, found: Sequence[Result]) -> dict[str, Any]:  # Any: JSON
    won = [
        {"sequence": one.sequence, "bidder": one.bidder, "units": one.units_won,
         "price": one.amount.amount}
        for one in found if one.units_won
    ]  # fmt: skip
    return {"status": str(auction.status), "allocations": won}
