"""The table of priors: what is thought of a vertical's sources, written down once a day."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record


class VerticalPrior(Record):
    """What a source of the vertical is thought of before its first lot, from `created_at` on.

    Never changed: the record that was published beside a lot can be worked out again.
    """

    KIND, PREFIX = "vertical_prior", "vpr"
    __table_args__ = (
        Index(None, "vertical_id", "created_at"),
        CheckConstraint("mean > 0 AND mean < 1 AND strength > 0", name="prior"),
    )

    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    mean: Mapped[float]
    strength: Mapped[float]  # checks that the mean is worth
    cells: Mapped[int]  # sources with evidence that it was made from
