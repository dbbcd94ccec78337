"""Tables of the sources that a lot declares: fixed at its seal, judged with its sample."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Model, Record, enum_column
from exchange.core.states import Graph


class LotSourceStatus(StrEnum):
    OPEN = "open"
    PASSED = "passed"
    QUARANTINED = "quarantined"  # what of it nobody has called and found good is off sale
    LEFT = "left"  # its lot was not accepted: it was not asked to the end


class LotSource(Record):
    """A source within a lot whose first leads are checked on their own (decision 35)."""

    KIND, PREFIX = "lot_source", "lsr"
    TRANSITIONS: ClassVar[Graph] = {
        LotSourceStatus.OPEN: {
            LotSourceStatus.PASSED, LotSourceStatus.QUARANTINED, LotSourceStatus.LEFT,
        },
        LotSourceStatus.PASSED: set(),
        LotSourceStatus.QUARANTINED: set(),
        LotSourceStatus.LEFT: set(),
    }  # fmt: skip
    __table_args__ = (UniqueConstraint("batch_id", "number"),)

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    number: Mapped[int] = mapped_column(SmallInteger)  # in the map; 0: all without one of their own
    name: Mapped[str | None]  # the seller's own word; nobody else sees it
    population: Mapped[int]
    status: Mapped[LotSourceStatus] = mapped_column(
        enum_column(LotSourceStatus), default=LotSourceStatus.OPEN
    )
    # Its first leads in the order of the draw, and what was known of them at the decision.
    leaves: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    outcomes: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    n: Mapped[int] = mapped_column(default=0)  # final at the decision
    bad: Mapped[int] = mapped_column(default=0)


class SourceMap(Model):
    """Which source each leaf of a lot is of, a byte each in the order of the leaves.

    Its hash is published with the root. It stays what it is when a lead loses its words.
    """

    __tablename__ = "source_map"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    sha256: Mapped[bytes]
    numbers: Mapped[bytes]
