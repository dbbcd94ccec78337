"""The exchange without its guard against another price: the control of the price race.

Nobody waits at the gate of a listing, the version that a buyer sends is not looked at, and an order
costs what the listing asks when it is written, as in a program that looks the price up itself. The
first order is written once the seller has asked for another price.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from exchange.app import create_app
from exchange.config import Settings
from exchange.core.db import db
from exchange.core.money import Money
from exchange.market.models import Listing, Order
from exchange.market.services import gates, orders
from tests.waiting import eventually

as_checked = orders._agree
as_agreed = orders._write_order


def agree_to_anything(listing_id: UUID, *, terms_version: int, buyer_id: UUID) -> orders.Offer:
    """Whatever version was sent, the newest terms are taken."""
    return as_checked(listing_id, terms_version=newest_version(listing_id), buyer_id=buyer_id)


def newest_version(listing_id: UUID) -> int:
    """Of the terms that are in force."""
    newest = select(Listing.terms_version).where(Listing.id == listing_id)
    return db.session.scalars(newest).one()


def write_at_present_price(
    offer: orders.Offer, *args: Any, **kwargs: Any
) -> Order:  # Any: passed on
    """The order at whatever is asked by now; the version is the one that was sent."""
    if current_app.extensions["redis"].incr("written") == 1:
        eventually(lambda: newest_version(offer.id) != offer.terms_version)
    columns = Listing.__table__.c
    price = select(columns.price_amount, columns.price_currency).where(columns.id == offer.id)
    return as_agreed(replace(offer, price=Money(*db.session.execute(price).one())), *args, **kwargs)


orders._agree = agree_to_anything
gates.enter = lambda **_who: None
orders._write_order = write_at_present_price
app = create_app(Settings.from_environment())
