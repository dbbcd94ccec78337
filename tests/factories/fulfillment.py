"""Bought leads and returns for tests, made through the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from exchange.catalog.policies import ReturnReason
from exchange.core import clock
from exchange.core.db import db
from exchange.fulfillment.models import LeadReturn
from exchange.fulfillment.services import returns
from exchange.market import queries
from exchange.market.models import Listing, OrderLine
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing, place

WINDOW = timedelta(hours=72)  # of the vertical that tests use by default


def buy(buyer: Player, listing: Listing, quantity: int = 1) -> Sequence[OrderLine]:
    """Delivered lines of a new order, freshest lead first; the wallet is filled for it."""
    fund_wallet(buyer, listing.price.amount * quantity, listing.price.currency)
    return queries.lines_of(place(buyer, listing, quantity).id)


def make_line(cast: Cast, **options: Any) -> OrderLine:
    """One delivered line of the cast's buyer, bought from a new lot of the cast's seller."""
    (line,) = buy(cast.buyer, make_listing(cast.seller, leads=2, **options))
    return line


def make_return(
    cast: Cast, line: OrderLine | None = None, *, reason: str = ReturnReason.FICTITIOUS
) -> LeadReturn:
    """A return that the cast's buyer asks for; by default one that only a person can decide."""
    line = line or make_line(cast)
    return returns.request_return(line_id=line.id, reason=reason, actor=cast.buyer.actor)


def pass_time(step: timedelta = WINDOW + timedelta(seconds=1)) -> datetime:
    """Move the clock; by default beyond every return window."""
    return clock.advance(step)


def fresh(record: Any) -> Any:  # Any: a record of whatever kind, read again
    """The record as the tables have it now."""
    db.session.refresh(record)
    return record
