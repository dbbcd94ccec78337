"""The exchange without its guard of the closing second: the control of the race of bidders.

Here a bid is judged when it comes, by the clock and the state of that moment, and waits for its
turn afterwards, as a program does that checks first and locks to write.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from exchange.app import create_app
from exchange.config import Settings
from exchange.core import clock
from exchange.core.db import db, get, lock
from exchange.core.errors import Gone
from exchange.market.auction_models import RUNNING, Auction
from exchange.market.services import bids


def enter_unguarded(auction_id: UUID) -> tuple[Auction, datetime]:
    """Look whether the auction runs, then wait for it."""
    seen, at = get(Auction, auction_id), clock.now()
    if seen.status not in RUNNING or at >= seen.closes_at:
        raise Gone("The auction is over.", code="auction_over")
    db.session.execute(text("SET LOCAL lock_timeout = '60s'"))  # however long that takes
    return lock(Auction, auction_id), at


bids._enter = enter_unguarded
app = create_app(Settings.from_environment())
