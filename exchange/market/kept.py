"""What this process keeps of the market: the count of what is on sale, the books of contracts.

It belongs to an application, and so to one database.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import current_app

from exchange.core import clock
from exchange.market.cube import Cube, Snapshot

KEY: Final = "market_snapshot"
BOOKS: Final = "contract_books"


def current_cube() -> Cube | None:
    """The count that this process keeps, while it is young enough to answer."""
    kept: Snapshot | None = current_app.extensions.get(KEY)
    return kept.cube if kept is not None and kept.cube.is_usable(clock.now()) else None


def contract_books() -> dict[UUID, Any]:  # Any: what queries keep by vertical
    """The books of contracts by vertical, begun empty."""
    books: dict[UUID, Any] = current_app.extensions.setdefault(BOOKS, {})
    return books
