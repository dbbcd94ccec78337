"""Tables of what happens after the sale."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column
from exchange.core.states import Graph


class Channel(StrEnum):
    PORTAL = "portal"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


D = DeliveryStatus


class Delivery(Record):
    """Handing the leads of an order over, by its one channel, until a deadline."""

    KIND, PREFIX = "delivery", "dlv"
    TRANSITIONS: ClassVar[Graph] = {
        D.PENDING: {D.SENT, D.CANCELLED},
        D.SENT: {D.ACKNOWLEDGED, D.FAILED},
        D.FAILED: {D.PENDING, D.DEAD},
        D.ACKNOWLEDGED: set(),
        D.DEAD: set(),
        D.CANCELLED: set(),
    }
    __table_args__ = (Index(None, "status", "deliver_by"),)

    order_id: Mapped[UUID] = mapped_column(ForeignKey("purchase.id"), unique=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the buyer
    channel: Mapped[Channel] = mapped_column(enum_column(Channel), default=Channel.PORTAL)
    status: Mapped[DeliveryStatus] = mapped_column(
        enum_column(DeliveryStatus), default=DeliveryStatus.PENDING
    )
    deliver_by: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    AUTO_DECIDED = "auto_decided"
    IN_RECHECK = "in_recheck"
    DECIDED = "decided"
    CONTESTED = "contested"
    ARBITRATED = "arbitrated"
    CLOSED = "closed"


class ReturnOutcome(StrEnum):
    APPROVED = "approved"
    DENIED = "denied"
    PARTIAL = "partial"


R = ReturnStatus


class LeadReturn(Record):
    """A buyer asks for the money of one lead back, with a reason, inside the window."""

    KIND, PREFIX = "return", "ret"
    TRANSITIONS: ClassVar[Graph] = {
        R.REQUESTED: {R.AUTO_DECIDED, R.IN_RECHECK, R.DECIDED},
        R.IN_RECHECK: {R.DECIDED},
        R.AUTO_DECIDED: {R.CONTESTED, R.CLOSED},
        R.DECIDED: {R.CONTESTED, R.CLOSED},
        R.CONTESTED: {R.ARBITRATED},
        R.ARBITRATED: {R.CLOSED},
        R.CLOSED: set(),
    }
    __table_args__ = (
        # A denied return does not keep a failed check from refunding the line later.
        Index(
            None,
            "line_id",
            unique=True,
            postgresql_where=text("outcome IS DISTINCT FROM 'denied'"),
        ),
        Index(None, "status", "decide_by"),
        Index(None, "buyer_id"),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("order_line.id"))
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"), index=True)
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    reason: Mapped[str]  # a code of the vertical's covered reasons, or failed_check
    note: Mapped[str] = mapped_column(default="")
    status: Mapped[ReturnStatus] = mapped_column(
        enum_column(ReturnStatus), default=ReturnStatus.REQUESTED
    )
    outcome: Mapped[ReturnOutcome | None] = mapped_column(enum_column(ReturnOutcome))
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    explanation: Mapped[str] = mapped_column(default="")  # shown to both sides
    decide_by: Mapped[datetime]  # silence of the exchange decides for the buyer
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None]
    contest_until: Mapped[datetime | None]  # the seller may object to an approval until then
    contest: Mapped[str] = mapped_column(default="")  # the seller's objection
    arbitration: Mapped[str] = mapped_column(default="")  # the reason of the final word

    @property
    def organization_id(self) -> UUID:
        """Whose return it is: its events are the buyer's."""
        return self.buyer_id


class ErasureNotice(Record):
    """A buyer was told that a person whom they bought is erased; they answer that theirs is too."""

    KIND, PREFIX = "erasure_notice", "ern"
    __table_args__ = (
        UniqueConstraint("erasure_id", "organization_id"),
        Index(None, "organization_id", "acknowledged_at"),
    )

    erasure_id: Mapped[UUID] = mapped_column(ForeignKey("erasure.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the buyer
    line_ids: Mapped[list[str]] = mapped_column()  # public ids of the lines that were delivered
    sent_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[UUID | None]  # the user or key
