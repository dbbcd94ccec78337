"""Tables of what follows a sample: whole lots called at their seller's cost, and the guarantee."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.core.states import Graph


class FullInspectionStatus(StrEnum):
    RUNNING = "running"
    CONCLUDED = "concluded"  # everybody was called
    STOPPED = "stopped"  # the lot was withdrawn meanwhile


class FullInspection(Record):
    """Every lead of a lot without an answer is called; the seller pays for each, held before."""

    KIND, PREFIX = "full_inspection", "fin"
    TRANSITIONS: ClassVar[Graph] = {
        FullInspectionStatus.RUNNING: {
            FullInspectionStatus.CONCLUDED, FullInspectionStatus.STOPPED,
        },
        FullInspectionStatus.CONCLUDED: set(),
        FullInspectionStatus.STOPPED: set(),
    }  # fmt: skip
    __table_args__ = (
        # A lot has one at a time, whoever clicks twice.
        Index(
            "ix_full_inspection_batch_id_running",
            "batch_id",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
        Index(None, "batch_id", "created_at"),
        CheckConstraint("asked > 0 AND called_upto <= asked", name="asked"),
        CheckConstraint("from_wallet BETWEEN 0 AND asked * price_amount", name="from_wallet"),
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the seller
    status: Mapped[FullInspectionStatus] = mapped_column(
        enum_column(FullInspectionStatus), default=FullInspectionStatus.RUNNING
    )
    is_whole: Mapped[bool]  # of the lot; else of what was set aside while the rest is on sale
    price: Mapped[Money] = money_columns("price")  # of one answer
    asked: Mapped[int]  # people
    from_wallet: Mapped[int]  # minor units of the sum held; the rest came out of `payable`
    called_upto: Mapped[int] = mapped_column(default=0)  # the first so many positions have tasks
    good: Mapped[int] = mapped_column(default=0)  # at the end, with what the sample had found
    bad: Mapped[int] = mapped_column(default=0)
    unresolved: Mapped[int] = mapped_column(default=0)
    concluded_at: Mapped[datetime | None]

    @property
    def total(self) -> Money:
        """What was held before it began."""
        return Money(self.price.amount * self.asked, self.price.currency)


class GuaranteeStatus(StrEnum):
    SAMPLING = "sampling"  # people of the follow-up sample are called
    CLEARED = "cleared"  # the bound is within the limit of the class
    TRIGGERED = "triggered"  # it is above; the seller has a day to choose
    INSPECTION = "inspection"  # the seller chose to have everybody called
    REFUNDED = "refunded"  # the seller chose nothing, or did not go through with it: by the share


class GuaranteeRun(Record):
    """The look behind a sold lot of which many leads came back, once for each (decision 10)."""

    KIND, PREFIX = "guarantee_run", "gua"
    TRANSITIONS: ClassVar[Graph] = {
        GuaranteeStatus.SAMPLING: {GuaranteeStatus.CLEARED, GuaranteeStatus.TRIGGERED},
        GuaranteeStatus.CLEARED: set(),
        GuaranteeStatus.TRIGGERED: {GuaranteeStatus.INSPECTION, GuaranteeStatus.REFUNDED},
        GuaranteeStatus.INSPECTION: {GuaranteeStatus.REFUNDED},  # the lot was withdrawn meanwhile
        GuaranteeStatus.REFUNDED: set(),
    }
    __table_args__ = (
        CheckConstraint("drawn BETWEEN 1 AND unchecked AND unchecked <= sold", name="drawn"),
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"), unique=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the seller
    status: Mapped[GuaranteeStatus] = mapped_column(
        enum_column(GuaranteeStatus), default=GuaranteeStatus.SAMPLING
    )
    returned: Mapped[int]  # sold leads with an upheld return or a failed check, at the beginning
    sold: Mapped[int]  # leads that were sold at the beginning
    known_bad: Mapped[int]  # among them, found bad by the sample
    unchecked: Mapped[int]  # among them, not in the sample: what is drawn from
    drawn: Mapped[int]
    limit_bps: Mapped[int]  # of the class
    good: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    unresolved: Mapped[int] = mapped_column(default=0)
    lower: Mapped[float | None]  # exact one-sided 95 % bound of the sold leads' bad share
    estimate: Mapped[float | None]  # bad of the drawn
    choose_by: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
