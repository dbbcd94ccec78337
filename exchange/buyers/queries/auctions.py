"""A buyer's auctions: what runs now, what one bid, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.catalog.models import Vertical
from exchange.core.db import db, get
from exchange.core.money import Money
from exchange.core.pagination import Page
from exchange.identity import queries as identity
from exchange.identity.models import Organization
from exchange.market import queries as market
from exchange.market.auction_models import RUNNING, Auction, AuctionStatus, Bid, BidStatus
from exchange.market.auction_proof import Entry
from exchange.market.models import Listing, ListingStatus, ListingTerms, Order
from exchange.market.queries.auctions import Result


@dataclass(frozen=True, slots=True)
class AuctionRow:
    """An auction in a list, with one's own bid."""

    auction: Auction
    listing: Listing
    vertical: Vertical
    seller: str  # the trade name
    bids: int  # that stand, or stood at the close
    own: Bid | None  # the newest version
    order: Order | None  # what it won


@dataclass(frozen=True, slots=True)
class AuctionView:
    """An auction with all that its page says about it."""

    row: AuctionRow
    agreed: ListingTerms  # what bidders agree to
    wallet: Money
    entries: Sequence[Entry]
    results: Sequence[Result]
    own_entry: Entry | None  # of one's own bid, in the public chain
    is_related: bool  # the viewer is no stranger to the seller, and wins nothing

    @property
    def auction(self) -> Auction:
        """The auction itself."""
        return self.row.auction

    @property
    def is_listed(self) -> bool:
        """Whether the listing has a page."""
        public = (ListingStatus.PUBLISHED, ListingStatus.SOLD_OUT)
        return self.row.listing.status in public

    @property
    def own_bidder(self) -> str:
        """One's own pseudonym in this auction; empty where one has not bid."""
        return self.own_entry.bidder if self.own_entry else ""

    @property
    def is_open(self) -> bool:
        """Whether bids are taken, as far as the state tells; the clock has the last word."""
        return self.auction.status is AuctionStatus.OPEN

    @property
    def spendable(self) -> Money:
        """What a new bid can have held: the wallet, and what the present bid has."""
        own = self.row.own
        if own is None or own.status is not BidStatus.SEALED:
            return self.wallet
        return self.wallet + own.held


def auction_page(*, viewer: UUID, cursor: str | None = None) -> Page[AuctionRow]:
    """Auctions that are announced or open, newest first."""
    page = market.auctions(viewer=viewer, status=RUNNING, cursor=cursor)
    return Page(_rows(page.items, viewer=viewer), page.next_cursor)


def bid_page(*, viewer: UUID, cursor: str | None = None) -> Page[AuctionRow]:
    """What the viewer bid in, newest bid first."""
    page = market.own_bids(viewer=viewer, cursor=cursor)
    rows = {
        row.auction.id: row
        for row in _rows([get(Auction, bid.auction_id) for bid in page.items], viewer=viewer)
    }
    return Page([rows[key] for key in dict.fromkeys(rows)], page.next_cursor)


def find_auction_of(listing: Listing, *, viewer: UUID) -> AuctionView | None:
    """The auction of a listing that is announced or open, if there is one."""
    found = market.running_auction(listing.id)
    return None if found is None else get_auction_view(found.id, viewer=viewer)


def get_auction_view(auction_id: UUID, *, viewer: UUID) -> AuctionView:
    """An auction that the viewer may see. Raises NotFound."""
    auction = market.get_auction(auction_id, viewer=viewer)
    (row,) = _rows([auction], viewer=viewer)
    entries = market.entries(auction.id)
    own = {entry.sequence: entry for entry in entries}.get(row.own.sequence) if row.own else None
    return AuctionView(
        row=row,
        agreed=market.get_terms(auction.listing_id, version=auction.terms_version),
        wallet=billing.spendable(viewer, auction.floor.currency),
        entries=entries,
        results=market.results(auction),
        own_entry=own,
        is_related=auction.organization_id in identity.relatives(viewer),
    )


def _rows(auctions: Sequence[Auction], *, viewer: UUID) -> list[AuctionRow]:
    auction_ids = [one.id for one in auctions]
    rows = db.session.execute(
        select(Listing, Vertical, Organization.trade_name)
        .join(Vertical, Vertical.id == Listing.vertical_id)
        .join(Organization, Organization.id == Listing.organization_id)
        .where(Listing.id.in_({one.listing_id for one in auctions}))
    )
    sold = {row.Listing.id: row for row in rows}
    counts = market.bid_counts(auction_ids)
    own = market.latest_bids(auction_ids, viewer=viewer)
    orders = market.orders_of_bids([bid.id for bid in own.values()])
    return [
        AuctionRow(
            auction=one,
            listing=sold[one.listing_id].Listing,
            vertical=sold[one.listing_id].Vertical,
            seller=sold[one.listing_id].trade_name,
            bids=counts.get(one.id, 0),
            own=own.get(one.id),
            order=orders.get(own[one.id].id) if one.id in own else None,
        )
        for one in auctions
    ]
