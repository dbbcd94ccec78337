"""Tables of the market. A listing is a lot on sale; an order line is one lead and one slot."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from exchange.catalog.jsonpaths import ALWAYS
from exchange.catalog.policies import QualityClass
from exchange.core.db import Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.core.states import Graph


class PricingModel(StrEnum):
    CPL = "cpl"  # a price for each lead
    CPA = "cpa"  # a price for each approved action


class ListingMode(StrEnum):
    FIXED = "fixed"  # anybody buys at the price; contracts that pay as much do, too
    AUCTION = "auction"  # sealed bids; the price is the least that is accepted
    CONTRACTS = "contracts"  # standing orders only, from the price up
    TARGETED = "targeted"  # for one contract; nobody else ever sees it (decision 2)


# Between these a seller goes to and fro; an auction or a targeted offer is a thing of its own.
CHOSEN_MODES: Final = frozenset({ListingMode.FIXED, ListingMode.CONTRACTS})


class ListingStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    SOLD_OUT = "sold_out"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


L = ListingStatus


class Listing(Record):
    """A lot, or what fits criteria of it, on sale; what it costs is said by its newest terms."""

    KIND, PREFIX = "listing", "lst"
    TRANSITIONS: ClassVar[Graph] = {
        L.DRAFT: {L.PUBLISHED, L.WITHDRAWN},
        L.PUBLISHED: {L.PAUSED, L.SOLD_OUT, L.WITHDRAWN, L.EXPIRED},
        L.PAUSED: {L.PUBLISHED, L.WITHDRAWN, L.EXPIRED},
        L.SOLD_OUT: {L.PUBLISHED, L.WITHDRAWN, L.EXPIRED},
        L.WITHDRAWN: set(),
        L.EXPIRED: {L.PUBLISHED, L.WITHDRAWN},  # it may be listed again
    }
    __table_args__ = (
        Index(None, "vertical_id", "status"),
        Index(None, "organization_id"),
        Index(None, "batch_id"),
        # Beside filters over it, a lot as a whole is listed once, and once more as aged.
        Index(
            "uq_listing_batch_id",
            "batch_id",
            "is_aged",
            unique=True,
            postgresql_where=text("criteria = '{}'"),
        ),
        Index(None, "reprices_at", postgresql_where=text("reprices_at IS NOT NULL")),
        Index(None, "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    mode: Mapped[ListingMode] = mapped_column(
        enum_column(ListingMode), default=ListingMode.FIXED, server_default=ListingMode.FIXED
    )
    criteria: Mapped[dict[str, Any]] = mapped_column(
        default=dict, server_default=text("'{}'")
    )  # over the lot
    criteria_path: Mapped[str] = mapped_column(  # the same for questions over many listings
        default=ALWAYS, server_default=text(f"'{ALWAYS}'")
    )
    # Of leads that were sold alone once and are offered a second time (decision 2), and no others.
    is_aged: Mapped[bool] = mapped_column(default=False, server_default=false())
    buyers_only: Mapped[list[str]] = mapped_column(
        default=list, server_default=text("'[]'")
    )  # public ids
    buyers_never: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    expires_at: Mapped[datetime | None]
    warned_of: Mapped[datetime | None]  # the expiry of which its seller was told
    decay: Mapped[dict[str, Any]] = mapped_column(  # `decay` reads it; empty: the price stays
        default=dict, server_default=text("'{}'")
    )
    reprices_at: Mapped[datetime | None]  # when the price falls next
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    status: Mapped[ListingStatus] = mapped_column(
        enum_column(ListingStatus), default=ListingStatus.DRAFT
    )
    quality_class: Mapped[QualityClass] = mapped_column(enum_column(QualityClass))  # sold as
    # By which lists sort: the upper bound of bad leads of the source, else of the lot; 1: unknown.
    bad_upper: Mapped[float] = mapped_column(default=1.0)
    terms_version: Mapped[int] = mapped_column(default=1)
    price: Mapped[Money] = money_columns("price")  # of the newest terms, net
    published_at: Mapped[datetime | None]
    pause_reason: Mapped[str] = mapped_column(default="")  # seller, inspection, rejected


class ListingTerms(Record):
    """What a buyer agrees to, by version; never edited (decision 45)."""

    KIND, PREFIX = "listing_terms", "ltm"
    __table_args__ = (
        UniqueConstraint("listing_id", "version"),
        CheckConstraint("price_amount > 0", name="price"),
    )

    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    version: Mapped[int]
    price: Mapped[Money] = money_columns("price")
    mode: Mapped[ListingMode] = mapped_column(
        enum_column(ListingMode), default=ListingMode.FIXED, server_default=ListingMode.FIXED
    )
    criteria: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    sales_max: Mapped[int]
    return_window_hours: Mapped[int]
    vertical_terms_version: Mapped[int]  # whose covered reasons hold for what is bought on these


class OrderStatus(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"  # funds held, leads reserved
    FULFILLED = "fulfilled"  # every line delivered; return windows run
    SETTLED = "settled"  # every window closed, the seller's money payable
    CANCELLED = "cancelled"


class Order(Record):
    """One purchase, by one buyer, from one listing."""

    KIND, PREFIX = "order", "ord"
    TRANSITIONS: ClassVar[Graph] = {
        OrderStatus.PENDING: {OrderStatus.CONFIRMED, OrderStatus.CANCELLED},
        OrderStatus.CONFIRMED: {OrderStatus.FULFILLED, OrderStatus.CANCELLED},
        OrderStatus.FULFILLED: {OrderStatus.SETTLED},
        OrderStatus.SETTLED: set(),
        OrderStatus.CANCELLED: set(),
    }
    __table_args__ = (
        Index(None, "buyer_id"),
        Index(None, "listing_id"),
        Index(None, "status"),
        # A listing is tried once by a buyer.
        Index(
            "uq_purchase_test",
            "buyer_id",
            "listing_id",
            unique=True,
            postgresql_where=text("test_seed IS NOT NULL"),
        ),
    )
    __tablename__ = "purchase"  # ORDER is a reserved word of SQL

    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    terms_version: Mapped[int]
    quantity: Mapped[int]
    criteria: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    price: Mapped[Money] = money_columns("price")  # of one lead, net, as agreed
    total: Mapped[Money] = money_columns("total")
    status: Mapped[OrderStatus] = mapped_column(
        enum_column(OrderStatus), default=OrderStatus.PENDING
    )
    placed_by_id: Mapped[UUID | None]  # the user or key
    # The standing order that bought, in this version of its terms; NULL: the buyer did.
    contract_id: Mapped[UUID | None] = mapped_column(ForeignKey("contract.id"), index=True)
    contract_version: Mapped[int | None]
    # The sealed bid that won it; NULL: bought otherwise.
    bid_id: Mapped[UUID | None] = mapped_column(ForeignKey("bid.id"), unique=True)
    test_seed: Mapped[bytes | None]  # of a test purchase: what its leads were drawn by

    @property
    def is_test(self) -> bool:
        """Whether its leads were drawn, for a buyer who tries the listing."""
        return self.test_seed is not None

    @property
    def pricing_model(self) -> PricingModel:
        """What its price is of: under CPA the leads cost nothing themselves, their actions do."""
        return PricingModel.CPA if self.total.amount < self.price.amount else PricingModel.CPL

    @property
    def organization_id(self) -> UUID:
        """Whose order it is: its events are the buyer's."""
        return self.buyer_id


class LineStatus(StrEnum):
    RESERVED = "reserved"
    DELIVERED = "delivered"
    RETURNED = "returned"
    REPLACED = "replaced"
    SETTLED = "settled"
    RELEASED = "released"


class LineAction(StrEnum):
    """What came of a lead that is paid by its action (CPA); of others always `none`."""

    NONE = "none"
    REPORTED = "reported"  # its price is set apart, the buyer has not decided
    PAID = "paid"  # approved: its price is the seller's


class OrderLine(Record):
    """One sale of one lead to one buyer in one slot (decision 38).

    A line that was released, or returned for a reason that is not the lead's, holds no slot.
    """

    KIND, PREFIX = "line", "line"
    TRANSITIONS: ClassVar[Graph] = {
        LineStatus.RESERVED: {LineStatus.DELIVERED, LineStatus.RELEASED},
        LineStatus.DELIVERED: {LineStatus.RETURNED, LineStatus.REPLACED, LineStatus.SETTLED},
        LineStatus.RETURNED: set(),
        LineStatus.REPLACED: set(),
        LineStatus.SETTLED: {LineStatus.RETURNED},
        LineStatus.RELEASED: set(),
    }
    __table_args__ = (
        # The second belt against overselling: a slot of a lead is sold once, and once to a buyer.
        UniqueConstraint("lead_id", "slot"),
        Index(
            None, "lead_id", "buyer_id", unique=True, postgresql_where=text("status <> 'released'")
        ),
        Index(None, "order_id"),
        Index(None, "buyer_id", "id"),
        Index(None, "seller_id", "id"),
        Index(None, "window_until", postgresql_where=text("status = 'delivered'")),
        Index(None, "contract_id", "id", postgresql_where=text("contract_id IS NOT NULL")),
        # Leads of a contract that an action may still come of; the newest that came to their end.
        Index(
            "ix_order_line_waiting",
            "contract_id",
            postgresql_where=text("pricing_model = 'cpa' AND status IN ('reserved', 'delivered')"),
        ),
        Index(
            "ix_order_line_ended",
            "id",
            postgresql_where=text("pricing_model = 'cpa' AND status = 'settled'"),
        ),
        CheckConstraint("slot >= 0", name="slot"),
        CheckConstraint("slot IS NOT NULL OR status IN ('released', 'returned')", name="holds"),
        CheckConstraint("refunded BETWEEN 0 AND price_amount", name="refunded"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("purchase.id"))
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"))
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    contract_id: Mapped[UUID | None] = mapped_column(ForeignKey("contract.id"))
    pricing_model: Mapped[PricingModel] = mapped_column(
        enum_column(PricingModel), default=PricingModel.CPL, server_default=PricingModel.CPL
    )
    slot: Mapped[int | None]  # below the lead's sales_max; NULL: given back
    price: Mapped[Money] = money_columns("price")  # of the lead, or of one action (CPA)
    action: Mapped[LineAction] = mapped_column(
        enum_column(LineAction), default=LineAction.NONE, server_default=LineAction.NONE
    )
    refunded: Mapped[int] = mapped_column(BigInteger, default=0)  # minor units
    status: Mapped[LineStatus] = mapped_column(enum_column(LineStatus), default=LineStatus.RESERVED)
    delivered_at: Mapped[datetime | None]
    window_until: Mapped[datetime | None]  # the last moment of a return, or of an action (CPA)

    @property
    def return_until(self) -> datetime | None:
        """The last moment of a return; None where nothing is paid for the lead itself."""
        return None if self.is_per_action else self.window_until

    @property
    def action_until(self) -> datetime | None:
        """The last moment at which an action counts, under CPA."""
        return self.window_until if self.is_per_action else None

    @property
    def is_per_action(self) -> bool:
        """Whether an action of the person is paid for, and not the lead."""
        return self.pricing_model is PricingModel.CPA

    @property
    def charged(self) -> Money:
        """What is paid for the line once it is delivered, before anything is given back."""
        is_free = self.is_per_action and self.action is not LineAction.PAID
        return Money(0 if is_free else self.price.amount, self.price.currency)
