"""Tables of what verifiers earn."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column, money_columns
from exchange.core.money import Money


class EarningKind(StrEnum):
    ATTEMPT = "attempt"  # a call that reached nobody who could talk
    RESULT = "result"
    TRAINING = "training"  # calls of a passed test, at half the rate


class Earning(Record):
    """What one verifier earned by one verdict, or by a test, at the rates of that moment."""

    KIND, PREFIX = "earning", "ern"
    __table_args__ = (
        UniqueConstraint("ref_kind", "ref_id"),
        Index(None, "organization_id", "created_at"),
        Index(None, "verifier_id", "created_at"),
        CheckConstraint("pay_amount >= 0 AND calls > 0", name="amount"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    verifier_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    ref_kind: Mapped[str]
    ref_id: Mapped[UUID]
    kind: Mapped[EarningKind] = mapped_column(enum_column(EarningKind))
    calls: Mapped[int] = mapped_column(default=1)
    pay: Mapped[Money] = money_columns("pay")
    taken_back_at: Mapped[datetime | None]  # the verdict was undone
