"""Notices: one line for one organization about one event."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record


class Notice(Record):
    """Shown behind the bell until it was read; the text is made from kind and facts."""

    KIND, PREFIX = "notice", "ntc"
    __table_args__ = (
        Index(None, "organization_id", "read_at"),
        Index(
            "uq_notice_of_a_day",
            "organization_id",
            "subject_id",
            "kind",
            "day",
            unique=True,
            postgresql_where=text("day IS NOT NULL"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]  # the event's type
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    day: Mapped[date | None]  # of a digest: all that happened on it is this one line
    read_at: Mapped[datetime | None]
