"""Keyset pages for HTML and API alike: newest first, by the id that sorts by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select

from exchange.core.db import Record, db, parse_id

LIMIT, LIMIT_MAX = 25, 100
Item_co = TypeVar("Item_co", covariant=True)
Row = TypeVar("Row", bound=Record)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item_co]):
    """One page of rows, or of what is shown of them; the cursor of the next, None on the last."""

    items: Sequence[Item_co]
    next_cursor: str | None

    @property
    def next(self) -> str | None:
        """The cursor of the next page, by the name that templates use."""
        return self.next_cursor

    @property
    def has_more(self) -> bool:
        """Whether another page follows."""
        return self.next_cursor is not None


def paginate(
    statement: Select[Row],
    model: type[Row],
    *,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Row]:
    """The page of `statement` that follows the row named by `cursor` (a public id)."""
    if cursor:
        statement = statement.where(model.id < parse_id(cursor, model))
    limit = min(limit, LIMIT_MAX)
    page = statement.order_by(model.id.desc()).limit(limit + 1)
    rows: Sequence[Row] = db.session.scalars(page).all()
    more = len(rows) > limit
    return Page(rows[:limit], rows[limit - 1].public_id if more else None)
