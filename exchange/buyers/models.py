"""Tables of the buyer's own: searches that were kept under a name."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record


class SavedSearch(Record):
    """What an organization looks for again: the arguments of the market's address."""

    KIND, PREFIX = "saved_search", "ssr"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        Index(None, "quiet_until", postgresql_where=text("notifies")),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    query: Mapped[str]  # without a page; its arguments were read when it was kept
    notifies: Mapped[bool] = mapped_column(default=False)
    looked_at: Mapped[datetime]  # what came on sale until then is not told of
    quiet_until: Mapped[datetime]  # nothing is told of before
