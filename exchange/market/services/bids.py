"""Verbs of bids: sealed on arrival, changed by a new sealed version, withdrawn until the close.

What is held is a step of the public ladder for each lead, so that the books do not tell the bid.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.billing.services import holds
from exchange.catalog.policies import PRICE_MAX
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Gone, Invalid, NotFound
from exchange.core.events import Ref
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.market import queries
from exchange.market.auction_models import RUNNING, Auction, Bid, BidStatus
from exchange.market.auction_proof import EntryKind
from exchange.market.auctioning import BID_UNITS_MAX, OpenBid, ladder
from exchange.market.queries.auctions import seller_may_sell
from exchange.market.services import auctions, bid_seal
from exchange.market.services.orders import require_buyer
from exchange.market.services.strangers import require_strangers

BIDS_MAX: Final = 100  # versions of one bidder's: the proof and every page of it carry them all


def place(*, auction_id: UUID, buyer_id: UUID, amount: Money, units: int, actor: Actor) -> Bid:
    """Seal a bid of `amount` for each of at most `units` leads; the former one is replaced.

    `held_for` says what is set aside. In or out is decided by the clock behind the auction's lock.
    Raises NotFound, Forbidden (not approved, `own_leads`, `related`), Invalid, Conflict
    `auction_not_open`, `listing_unavailable` or `too_many_bids`, Gone `auction_over`,
    InsufficientFunds.
    """
    require_buyer(buyer_id)
    auction, at = _enter(auction_id)
    require_valid(auction, amount, units)
    _require_open_to(auction, buyer_id)
    _require_few(auction, buyer_id)
    former = standing_bid(auction.id, buyer_id)
    if former is not None:
        former.is_replaced = True
        _let_go(former, actor, reason="replaced")
    bid = _write(auction, buyer_id, amount=amount, units=units, at=at, actor=actor)
    _hold(bid, actor)
    return bid


def withdraw(*, bid_id: UUID, actor: Actor) -> Bid:
    """Take one's own standing bid back; the money is free at once.

    The commitment stays public, and so does the withdrawal. Raises NotFound, Gone `auction_over`,
    and IllegalTransition for a bid that does not stand.
    """
    found = get(Bid, bid_id)
    if found.organization_id != actor.organization_id:
        raise NotFound
    auction, at = _enter(found.auction_id)
    bid = lock(Bid, bid_id)
    _let_go(bid, actor, reason="withdrawn")
    bidder = bid_seal.pseudonym(auction, bid.organization_id)
    auctions.append(auction, EntryKind.WITHDRAWAL, at=at, bidder=bidder)
    return bid


def held_for(auction: Auction, amount: Money, units: int) -> Money:
    """What a bid sets aside: the step above it for each lead."""
    step = ladder(amount.amount, floor=auction.floor.amount)
    return Money(step, amount.currency) * units


def require_valid(auction: Auction, amount: Money, units: int) -> None:
    """Raises Invalid for a bid that is none."""
    if amount.currency is not auction.floor.currency:
        raise _invalid("/amount", f"Bid in {auction.floor.currency}.")
    if amount < auction.floor:
        raise _invalid("/amount", "The bid is below the least that is accepted.")
    if amount.amount > PRICE_MAX:
        raise _invalid("/amount", "The bid is too high to be meant.")
    if not 1 <= units <= min(BID_UNITS_MAX, auction.units):
        raise _invalid("/units", f"Ask for 1 to {min(BID_UNITS_MAX, auction.units)} leads.")


def standing_bid(auction_id: UUID, buyer_id: UUID) -> Bid | None:
    """The bidder's sealed bid; its auction is locked."""
    return db.session.scalar(
        select(Bid)
        .where(
            Bid.auction_id == auction_id,
            Bid.organization_id == buyer_id,
            Bid.status == BidStatus.SEALED,
        )
        .execution_options(populate_existing=True)
    )


def _enter(auction_id: UUID) -> tuple[Auction, datetime]:
    """The auction behind its lock, and the moment that decides. Raises Conflict and Gone."""
    auction = lock(Auction, auction_id)
    at = clock.after_lock()
    auctions.open_by_clock(auction, at)
    if auction.status not in RUNNING or at >= auction.closes_at:
        raise Gone("The auction is over.", code="auction_over")
    if at < auction.opens_at:
        raise Conflict("The auction is not open yet.", code="auction_not_open")
    return auction, at


def _require_open_to(auction: Auction, buyer_id: UUID) -> None:
    require_strangers(buyer_id=buyer_id, seller_id=auction.organization_id)
    listing = queries.get_listing(auction.listing_id, viewer=buyer_id)
    if not seller_may_sell(listing):
        raise Conflict("This listing is not on sale at the moment.", code="listing_unavailable")


def _require_few(auction: Auction, buyer_id: UUID) -> None:
    made = select(func.count()).where(Bid.auction_id == auction.id, Bid.organization_id == buyer_id)
    if (db.session.scalar(made) or 0) >= BIDS_MAX:
        detail = f"You have bid {BIDS_MAX} times in this auction. What stands, stands."
        raise Conflict(detail, code="too_many_bids")


def _write(
    auction: Auction, buyer_id: UUID, *, amount: Money, units: int, at: datetime, actor: Actor
) -> Bid:
    bidder = bid_seal.pseudonym(auction, buyer_id)
    offered = OpenBid(auction.entries + 1, bidder, amount.amount, units)
    sealed, commitment = bid_seal.seal(auction, offered)
    auctions.append(auction, EntryKind.BID, at=at, bidder=bidder, commitment=commitment)
    return save(
        Bid(
            auction_id=auction.id,
            organization_id=buyer_id,
            sequence=offered.sequence,
            sealed=sealed,
            commitment=commitment,
            held=held_for(auction, amount, units),
            placed_by_id=actor.id,
        )
    )


def _hold(bid: Bid, actor: Actor) -> None:
    ref = Ref.to(bid)
    holds.place(
        organization_id=bid.organization_id, holds=[(ref, bid.held)], subject=ref, actor=actor
    )
    events.record(
        "bid.sealed",
        subject=bid,
        actor=actor,
        auction_id=str(bid.auction_id),
        sequence=bid.sequence,
        commitment=bid.commitment,
    )


def _let_go(bid: Bid, actor: Actor, *, reason: str) -> None:
    transition(bid, BidStatus.WITHDRAWN, actor=actor, reason=reason)
    holds.release_all(refs=[Ref.to(bid)], actor=actor)


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(errors=(FieldProblem(pointer, "invalid", detail),))
