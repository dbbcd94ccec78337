"""Table of pings: leads that were offered without their person, and what was bid for each.

No contact is in it: who it is about are keyed hashes of the SHA-256 that was sent.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column
from exchange.core.states import Graph


class PingAnswer(StrEnum):
    MATCHED = "matched"  # bids stand until `expires_at`
    NO_MATCH = "no_match"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class PingStatus(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"  # the lead was posted and bought for a bid
    LAPSED = "lapsed"  # the lead was posted and no bid bought it


P = PingStatus


class Ping(Record):
    """A lead offered without its person; its bids may be taken once, for a minute."""

    KIND, PREFIX = "ping", "ping"
    TRANSITIONS: ClassVar[Graph] = {
        P.OFFERED: {P.ACCEPTED, P.LAPSED},
        P.ACCEPTED: set(),
        P.LAPSED: set(),
    }
    __table_args__ = (
        Index(None, "terms_id", "id"),
        CheckConstraint("answer <> 'matched' OR bids <> '[]'", name="bids"),
        CheckConstraint("status <> 'accepted' OR post_id IS NOT NULL", name="post"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the seller
    terms_id: Mapped[UUID] = mapped_column(ForeignKey("source_terms.id"))
    answer: Mapped[PingAnswer] = mapped_column(enum_column(PingAnswer))
    status: Mapped[PingStatus] = mapped_column(enum_column(P), default=P.OFFERED)
    reason: Mapped[str] = mapped_column(default="")  # a code
    attributes: Mapped[dict[str, Any]] = mapped_column()  # by the schema of the vertical
    requested_at: Mapped[datetime]
    phone_index: Mapped[bytes | None]  # keyed hashes of the SHA-256, not of the phone
    email_index: Mapped[bytes | None]
    bids: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))  # JSON of Bid, best first
    expires_at: Mapped[datetime]
    post_id: Mapped[UUID | None] = mapped_column(ForeignKey("post.id"))
