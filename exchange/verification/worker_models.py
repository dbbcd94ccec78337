"""Tables of the people who call: what each of them may do, and since when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column
from exchange.core.states import Graph


class QualificationStatus(StrEnum):
    LEARNING = "learning"  # training and test: no real call is given out
    QUALIFIED = "qualified"
    PAUSED = "paused"  # `reason` says why; nothing is given out until somebody decides


class Qualification(Record):
    """One verifier's right to call for one vertical in one language."""

    KIND, PREFIX = "qualification", "qlf"
    TRANSITIONS: ClassVar[Graph] = {
        QualificationStatus.LEARNING: {QualificationStatus.QUALIFIED},
        QualificationStatus.QUALIFIED: {QualificationStatus.PAUSED},
        QualificationStatus.PAUSED: {QualificationStatus.QUALIFIED, QualificationStatus.LEARNING},
    }
    __table_args__ = (
        UniqueConstraint("verifier_id", "vertical_id", "language"),
        Index(None, "vertical_id", "language", postgresql_where=text("status = 'qualified'")),
    )

    verifier_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    language: Mapped[str]
    status: Mapped[QualificationStatus] = mapped_column(
        enum_column(QualificationStatus), default=QualificationStatus.LEARNING
    )
    qualified_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")  # why it is paused: a rule's code or a sentence
    practised: Mapped[int] = mapped_column(server_default="0", default=0)  # tasks of the training
    skips_in_a_row: Mapped[int] = mapped_column(server_default="0", default=0)
