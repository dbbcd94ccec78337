"""The exchange without its guard of the closing second: the control of the race of bidders.

The test drops the constraints in the control's own database; here a bid asks what time it is when
it comes, reads the auction without its lock, and writes afterwards.
"""

from __future__ import annotations

from uuid import UUID

from exchange.app import create_app
from exchange.config import Settings
from exchange.core import clock
from exchange.core.db import get
from exchange.market.auction_models import Auction
from exchange.market.services import bids


class _Early:
    """The clock as it was asked when the request came."""

    now = staticmethod(clock.now)
    after_lock = staticmethod(clock.now)


def read(_model: type[Auction], auction_id: UUID) -> Auction:
    """The auction as it stands, whoever is at it."""
    clock.now()
    return get(Auction, auction_id)


bids.clock = _Early
bids.lock = read
app = create_app(Settings.from_environment())
