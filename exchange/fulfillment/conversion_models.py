"""The table of conversions: actions that buyers report under CPA, and what became of each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.core.states import Graph


class ConversionStatus(StrEnum):
    PENDING = "pending"  # reported, before its money is set apart
    ON_HOLD = "on_hold"  # its money is set apart; the buyer decides
    APPROVED = "approved"  # the money is the seller's
    REJECTED = "rejected"  # the money is the buyer's again
    REVERSED = "reversed"  # was approved; the money went back


S = ConversionStatus
LIVE: Final = (S.PENDING, S.ON_HOLD, S.APPROVED)  # a lead has one of these at most


class RejectionReason(StrEnum):
    """Why an action is not paid for; the first ones a buyer chooses from."""

    NOT_COMPLETED = "not_completed"  # begun, not finished
    CANCELLED = "cancelled"  # the person took it back
    KNOWN_CUSTOMER = "known_customer"
    FRAUD = "fraud"
    REPORTED_IN_ERROR = "reported_in_error"
    OTHER = "other"  # with words
    AFTER_WINDOW = "after_window"  # reported too late
    PAST_DUE = "past_due"  # undecided in time, and so the contract says
    FAILED_CHECK = "failed_check"  # a check found the lead bad


CHOSEN: Final = tuple(RejectionReason)[:6]


class Conversion(Record):
    """One action of one lead, as its buyer reported it under an id of their own."""

    KIND, PREFIX = "conversion", "cnv"
    TRANSITIONS: ClassVar[Graph] = {
        S.PENDING: {S.ON_HOLD, S.REJECTED},
        S.ON_HOLD: {S.APPROVED, S.REJECTED},
        S.APPROVED: {S.REVERSED},
        S.REJECTED: set(),
        S.REVERSED: set(),
    }
    __table_args__ = (
        UniqueConstraint("contract_id", "reference"),
        Index(
            "uq_conversion_live_line_id",
            "line_id",
            unique=True,
            postgresql_where=text("status IN ('pending', 'on_hold', 'approved')"),
        ),
        Index(None, "line_id"),
        Index(None, "buyer_id", "id"),
        Index(None, "seller_id", "id"),
        Index(None, "decide_by", postgresql_where=text("status = 'on_hold'")),
        Index(None, "id", postgresql_where=text("status = 'approved' AND settled_at IS NULL")),
        CheckConstraint("price_amount > 0", name="price"),
        CheckConstraint("owed BETWEEN 0 AND price_amount", name="owed"),
        CheckConstraint("(status IN ('rejected', 'reversed')) = (reason <> '')", name="reason"),
    )

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    line_id: Mapped[UUID] = mapped_column(ForeignKey("order_line.id"))
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"))
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    reference: Mapped[str]  # the buyer's own id; never shown to the seller
    price: Mapped[Money] = money_columns("price")  # of the action, as agreed when the lead came
    status: Mapped[ConversionStatus] = mapped_column(enum_column(S), default=S.PENDING)
    decide_by: Mapped[datetime | None]  # then the contract's default decides; NULL: came too late
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None]  # the user or key; NULL: nobody
    by_default: Mapped[bool] = mapped_column(default=False)  # the buyer let the time pass
    reason: Mapped[str] = mapped_column(default="")  # RejectionReason
    explanation: Mapped[str] = mapped_column(default="")  # read by both sides
    owed: Mapped[int] = mapped_column(BigInteger, default=0)  # of the price, lent to the buyer
    settled_at: Mapped[datetime | None]  # when the money was divided

    @property
    def organization_id(self) -> UUID:
        """Whose report it is: its events are the buyer's."""
        return self.buyer_id
