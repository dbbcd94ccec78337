"""The table of a draft's rows that need their seller."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Model, enum_column


class RowEnd(StrEnum):
    """Where a row of a draft would end if it were confirmed now."""

    VALID = "valid"  # kept only where the seller has edited it
    IN_REVIEW = "in_review"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"


class ImportRow(Model):
    """A row of a draft that needs its seller: what was found, and what the seller made of it.

    The cells are locked under the file's key: they are gone when the file is.
    """

    __tablename__ = "import_row"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("import.id"), primary_key=True)
    row_number: Mapped[int] = mapped_column(primary_key=True)
    line_number: Mapped[int]
    outcome: Mapped[RowEnd] = mapped_column(enum_column(RowEnd))
    findings: Mapped[list[Any]] = mapped_column()  # [[field, code], ...]
    locked: Mapped[bytes]  # the cells as they came
    edited: Mapped[bytes | None]  # the cells as the seller wants them
    is_dropped: Mapped[bool] = mapped_column(default=False)
