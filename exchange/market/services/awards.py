"""The close of an auction: every bid is opened, won or lost, paid and delivered in one transaction.

Who gets what is `auctioning.award`; which leads a bidder can be given is decided by the same code
as for an order. Leads are taken first, then all money is moved together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from exchange.billing.services import bid_holds
from exchange.core import clock, events
from exchange.core.actors import SYSTEM
from exchange.core.db import get, lock
from exchange.core.events import Ref
from exchange.core.money import Money
from exchange.core.states import transition, transition_all
from exchange.identity import queries as identity
from exchange.identity.models import Organization
from exchange.market import queries
from exchange.market.auction_models import RUNNING, Auction, AuctionStatus, Bid, BidStatus
from exchange.market.auction_proof import EntryKind, commit_facts
from exchange.market.auctioning import OpenBid, award
from exchange.market.models import Listing, Order
from exchange.market.queries import Goods
from exchange.market.queries.auctions import facts_of_close, seller_may_sell
from exchange.market.queries.stock import in_list
from exchange.market.services import auctions, bid_seal, gates, listings, orders
from exchange.market.services.orders import Offer


@dataclass(slots=True)
class _Sale:
    """The orders of the winners, written as the turn of each comes."""

    auction: Auction
    listing: Listing
    bids: dict[int, Bid]  # by sequence
    placed: list[tuple[Order, Offer]] = field(default_factory=list)
    won: dict[Ref, list[tuple[Ref, Money]]] = field(default_factory=dict)  # by bid, its lines

    def serve(self, opened: OpenBid, units: int) -> int:
        """Take what the bidder can be given; note where that is less than was due."""
        bid, offer = self.bids[opened.sequence], self._offer(opened.amount)
        buyer_id = bid.organization_id
        if self._may_buy(buyer_id):
            written = orders.place_won(offer, buyer_id, units, bid_id=bid.id, actor=SYSTEM)
            if written is not None:
                order, refs = written
                bid.units_won = order.quantity
                self.placed.append((order, offer))
                self.won[Ref.to(bid)] = [(ref, offer.price) for ref in refs]
        if bid.units_won < units:
            self.auction.limits = {**self.auction.limits, opened.bidder: bid.units_won}
        return bid.units_won

    def _may_buy(self, buyer_id: UUID) -> bool:
        """Whether the bidder still is who could bid: approved, and a stranger to the seller."""
        is_related = self.listing.organization_id in identity.relatives(buyer_id)
        return get(Organization, buyer_id).is_approved and not is_related

    def _offer(self, amount: int) -> Offer:
        """The listing at the price that was bid."""
        return Offer(
            id=self.listing.id,
            seller_id=self.listing.organization_id,
            batch=queries.get_batch_of(self.listing),
            goods=Goods.of(self.listing),
            price=Money(amount, self.auction.floor.currency),
            terms_version=self.auction.terms_version,
        )


def close(*, auction_id: UUID) -> Auction:
    """Award an auction whose time is over, or void it; before its time nothing happens.

    Money of losers and what winners had set aside beyond their bids is free at once. The listing
    goes back to how it was sold before. Safe to repeat.
    """
    auction = lock(Auction, auction_id)
    at = clock.after_lock()
    if auction.status not in RUNNING or at < auction.closes_at:
        return auction
    auctions.open_by_clock(auction, at)
    bids = queries.standing_bids(auction.id)
    buyer_ids = [bid.organization_id for bid in bids]
    listing = gates.close_to(buyer_ids, listing_id=auction.listing_id)
    sale = _Sale(auction, listing, {bid.sequence: bid for bid in bids})
    _award(sale, bids)
    digest = commit_facts(facts_of_close(auction) or {})
    auctions.append(auction, EntryKind.CLOSE, at=at, commitment=digest)
    transition(auction, AuctionStatus.CLOSED, actor=SYSTEM, head=auction.head)
    _deliver(sale, bids)
    _conclude(auction, bids)
    listing.mode = auction.listing_mode
    listings.reflect_stock(listing_id=listing.id)
    return auction


def _award(sale: _Sale, bids: Sequence[Bid]) -> None:
    """Open every bid and write the orders of those that win."""
    auction = sale.auction
    opened = [_read(auction, bid) for bid in bids]
    left = queries.sales_left(sale.listing) if seller_may_sell(sale.listing) else 0
    auction.offered = min(auction.units, left)
    award(opened, units=auction.offered, floor=auction.floor.amount, serve=sale.serve)


def _read(auction: Auction, bid: Bid) -> OpenBid:
    opened = bid_seal.open_bid(auction, bid)
    transition(bid, BidStatus.OPENED, actor=SYSTEM)
    return opened


def _deliver(sale: _Sale, bids: Sequence[Bid]) -> None:
    """Have the orders paid from what was set aside, all else freed, and the leads handed over."""
    bid_holds.resolve(
        refs=[Ref.to(bid) for bid in bids],
        won=sale.won,
        seller_id=sale.listing.organization_id,
        actor=SYSTEM,
    )
    for order, offer in sale.placed:
        orders.confirm_won(order, offer, SYSTEM)


def _conclude(auction: Auction, bids: Sequence[Bid]) -> None:
    """Tell every bid what became of it, and the auction."""
    winners = [bid for bid in bids if bid.units_won]
    losers = [bid for bid in bids if not bid.units_won]
    for found, became in ((winners, BidStatus.WON), (losers, BidStatus.LOST)):
        where = [in_list(Bid.id, [bid.id for bid in found])]
        transition_all(Bid, where=where, to=became, parent=auction, actor=SYSTEM)
    to = AuctionStatus.AWARDED if winners else AuctionStatus.VOID
    units = sum(bid.units_won for bid in winners)
    transition(auction, to, actor=SYSTEM, units=units, bids=len(bids))
    for bid in losers:
        events.record(
            "auction.lost", subject=auction, actor=SYSTEM, organization_id=bid.organization_id
        )
