"""The count of the market that this process keeps, if it keeps one."""

from __future__ import annotations

from typing import Final

from flask import current_app

from exchange.core import clock
from exchange.market.cube import Cube, Snapshot

KEY: Final = "market_snapshot"


def current_cube() -> Cube | None:
    """The count that this process keeps, while it is young enough to answer."""
    kept: Snapshot | None = current_app.extensions.get(KEY)
    return kept.cube if kept is not None and kept.cube.is_usable(clock.now()) else None
