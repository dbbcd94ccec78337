"""Tables of auctions: what is offered until when, sealed bids, and the chain of their arrivals."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Model, Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.core.states import Graph
from exchange.market.auction_proof import EntryKind
from exchange.market.models import ListingMode


class AuctionStatus(StrEnum):
    SCHEDULED = "scheduled"
    OPEN = "open"
    CLOSED = "closed"  # inside the closing transaction only
    AWARDED = "awarded"
    VOID = "void"  # nobody reached the floor, nothing was left, or called off before it opened


A = AuctionStatus
RUNNING = (A.SCHEDULED, A.OPEN)


class Auction(Record):
    """A timed sale of leads of one listing by sealed bids (decision 24)."""

    KIND, PREFIX = "auction", "auc"
    TRANSITIONS: ClassVar[Graph] = {
        A.SCHEDULED: {A.OPEN, A.VOID},
        A.OPEN: {A.CLOSED},
        A.CLOSED: {A.AWARDED, A.VOID},
        A.AWARDED: set(),
        A.VOID: set(),
    }
    __table_args__ = (
        Index(
            "uq_auction_listing_id", "listing_id", unique=True,
            postgresql_where=text("status IN ('scheduled', 'open', 'closed')"),
        ),
        Index(None, "organization_id"),
        Index(None, "status", "closes_at"),
        CheckConstraint("opens_at < closes_at", name="times"),
        CheckConstraint("units > 0 AND floor_amount > 0", name="offer"),
    )  # fmt: skip

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the seller
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    terms_version: Mapped[int]  # of the listing: what bidders agree to
    # What the listing goes back to.
    listing_mode: Mapped[ListingMode] = mapped_column(enum_column(ListingMode))
    floor: Mapped[Money] = money_columns("floor")  # the least that is accepted for a lead
    units: Mapped[int]  # at most so many leads
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    status: Mapped[AuctionStatus] = mapped_column(enum_column(A), default=A.SCHEDULED)
    key_version: Mapped[int]  # of the master key from which the key of its bids is made
    entries: Mapped[int] = mapped_column(default=0)  # arrivals so far
    head: Mapped[str]  # the link of the newest, hex; at first the hash of the terms
    # Facts of the close that the award depended on; NULL and empty before it.
    offered: Mapped[int | None]  # leads that could be sold
    limits: Mapped[dict[str, int]] = mapped_column(default=dict)  # bidders who could not have all


class BidStatus(StrEnum):
    SEALED = "sealed"
    WITHDRAWN = "withdrawn"  # by the bidder, or replaced by a later version
    OPENED = "opened"  # inside the closing transaction only
    WON = "won"
    LOST = "lost"


B = BidStatus


class Bid(Record):
    """One sealed version of a bid. A change is another one; nobody reads it before the close."""

    KIND, PREFIX = "bid", "bid"
    TRANSITIONS: ClassVar[Graph] = {
        B.SEALED: {B.WITHDRAWN, B.OPENED},
        B.WITHDRAWN: set(),
        B.OPENED: {B.WON, B.LOST},
        B.WON: set(),
        B.LOST: set(),
    }
    __table_args__ = (
        UniqueConstraint("auction_id", "sequence"),
        Index(
            "uq_bid_auction_id_organization_id", "auction_id", "organization_id", unique=True,
            postgresql_where=text("status = 'sealed'"),
        ),
        Index(None, "organization_id", "id"),
        CheckConstraint("(amount IS NULL) = (status IN ('sealed', 'withdrawn'))", name="unread"),
    )  # fmt: skip

    auction_id: Mapped[UUID] = mapped_column(ForeignKey("auction.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the buyer
    sequence: Mapped[int]  # its place among the arrivals
    sealed: Mapped[bytes]  # amount, units and nonce under the key of the auction
    commitment: Mapped[str]  # public: the hash of what is sealed, hex
    held: Mapped[Money] = money_columns("held")  # step of the ladder x units
    status: Mapped[BidStatus] = mapped_column(enum_column(B), default=B.SEALED)
    is_replaced: Mapped[bool] = mapped_column(default=False)  # by a later version of the bidder
    placed_by_id: Mapped[UUID | None]  # the user or key
    # Written by the close, for bids that stood.
    amount: Mapped[int | None] = mapped_column(BigInteger)  # for one lead, minor units
    units: Mapped[int | None]
    nonce: Mapped[str | None]
    units_won: Mapped[int] = mapped_column(default=0)

    @property
    def price(self) -> Money | None:
        """What was bid for one lead; None while it is sealed."""
        return None if self.amount is None else Money(self.amount, self.held.currency)


class AuctionEntry(Model):
    """One arrival in the public chain of an auction; never changed."""

    __tablename__ = "auction_entry"

    auction_id: Mapped[UUID] = mapped_column(ForeignKey("auction.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[EntryKind] = mapped_column(enum_column(EntryKind))
    bidder: Mapped[str]  # a pseudonym of this auction; empty: the exchange
    at: Mapped[datetime]
    commitment: Mapped[str]
    link: Mapped[str]
