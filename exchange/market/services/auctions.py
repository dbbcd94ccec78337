"""Verbs of auctions: a seller announces one, it opens by the clock, arrivals are chained.

Locks are taken in one order: the auction, the buyers' turns, the listing's gate, then as orders
do. A deadline is decided by the clock asked behind the lock of the auction, by that clock alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.core.ids import uuid7
from exchange.core.keys import keyring
from exchange.core.states import transition
from exchange.identity.services import require_approved
from exchange.market import queries
from exchange.market.auction_models import Auction, AuctionEntry, AuctionStatus
from exchange.market.auction_proof import Entry, EntryKind, genesis, instant, link
from exchange.market.auctioning import UNITS_MAX
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.queries.auctions import terms_of_auction
from exchange.market.services import gates

SHORTEST: Final = timedelta(minutes=10)
LONGEST: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=30)  # so long before it opens it can be announced


def schedule(
    *,
    listing_id: UUID,
    units: int,
    closes_at: datetime,
    opens_at: datetime | None = None,
    actor: Actor,
) -> Auction:
    """Announce an auction of at most `units` leads of one's own listing; it opens now by default.

    The floor is the listing's price, the terms are those in force. Until it opens the listing is
    sold as it was; while it runs, by bids alone. Raises NotFound, Invalid, and Conflict
    `listing_unavailable` or `auction_running`.
    """
    listing = gates.close(listing_id)
    if listing.organization_id != actor.organization_id:
        raise NotFound
    require_approved(listing.organization_id)
    now = clock.after_lock()
    _require_offer(units, now=now, opens_at=opens_at or now, closes_at=closes_at)
    _require_free(listing)
    auction = _write(listing, units, opens_at=opens_at or now, closes_at=closes_at)
    events.record(
        "auction.scheduled", subject=auction, actor=actor, listing_id=str(listing.id), units=units
    )
    if auction.opens_at <= now:
        _open(auction, listing)
    return auction


def call_off(*, auction_id: UUID, actor: Actor) -> Auction:
    """Take back an auction of one's own that has not opened yet: nobody can have bid.

    Raises NotFound, and Conflict `auction_running` once it is open.
    """
    auction = lock(Auction, auction_id)
    if auction.organization_id != actor.organization_id:
        raise NotFound
    if auction.status is AuctionStatus.SCHEDULED and clock.after_lock() < auction.opens_at:
        transition(auction, AuctionStatus.VOID, actor=actor, reason="called_off")
        return auction
    raise Conflict("An auction that has opened runs to its end.", code="auction_running")


def open_due(*, auction_id: UUID) -> Auction:
    """Open an auction whose time has begun; safe to repeat."""
    auction = lock(Auction, auction_id)
    open_by_clock(auction, clock.after_lock())
    return auction


def open_by_clock(auction: Auction, at: datetime) -> None:
    """Open a locked auction where its time has begun: a bid does not wait for the sweep."""
    if auction.status is AuctionStatus.SCHEDULED and auction.opens_at <= at:
        _open(auction, gates.close(auction.listing_id))


def append(
    auction: Auction, kind: EntryKind, *, at: datetime, bidder: str = "", commitment: str = ""
) -> AuctionEntry:
    """Chain one arrival onto a locked auction."""
    sequence = auction.entries + 1
    entry = Entry(sequence, kind, bidder, instant(at), commitment, "")
    auction.entries, auction.head = sequence, link(auction.head, entry)
    written = AuctionEntry(
        auction_id=auction.id,
        sequence=sequence,
        kind=kind,
        bidder=bidder,
        at=at,
        commitment=commitment,
        link=auction.head,
    )
    db.session.add(written)
    db.session.flush()
    return written


def _write(listing: Listing, units: int, *, opens_at: datetime, closes_at: datetime) -> Auction:
    auction = Auction(
        id=uuid7(),
        organization_id=listing.organization_id,
        listing_id=listing.id,
        listing_mode=listing.mode,
        terms_version=listing.terms_version,
        floor=listing.price,
        units=units,
        opens_at=opens_at,
        closes_at=closes_at,
        key_version=keyring().newest,
    )
    auction.head = genesis(terms_of_auction(auction))
    return save(auction)


def _open(auction: Auction, listing: Listing) -> None:
    auction.listing_mode, listing.mode = listing.mode, ListingMode.AUCTION
    transition(auction, AuctionStatus.OPEN, actor=SYSTEM)


def _require_offer(units: int, *, now: datetime, opens_at: datetime, closes_at: datetime) -> None:
    if not 1 <= units <= UNITS_MAX:
        raise _invalid("/units", f"Offer 1 to {UNITS_MAX} leads.")
    if not now <= opens_at <= now + AHEAD:
        raise _invalid("/opens_at", "An auction opens now or within 30 days.")
    if not SHORTEST <= closes_at - opens_at <= LONGEST:
        raise _invalid("/closes_at", "An auction is open for 10 minutes to 30 days.")


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(errors=(FieldProblem(pointer, "invalid", detail),))


def _require_free(listing: Listing) -> None:
    if listing.status is not ListingStatus.PUBLISHED or listing.mode is ListingMode.TARGETED:
        raise Conflict("Only a listing on sale can be auctioned.", code="listing_unavailable")
    if queries.running_auction(listing.id) is not None:
        raise Conflict("An auction of this listing is under way.", code="auction_running")
