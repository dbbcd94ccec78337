"""Pages of listings: what is on sale, at what price, and how much of it is sold."""

from __future__ import annotations

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.core.db import parse_id
from exchange.core.errors import NotFound
from exchange.core.money import Money
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries
from exchange.market.models import Listing
from exchange.market.services import listings as verbs
from exchange.sellers import queries as own
from exchange.sellers.schemas import PriceForm
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/listings")
@requires(Permission.BATCH_READ)
def listings() -> Response:
    return render(
        "sellers/listings/index.html",
        block="results",
        page=own.listing_views(viewer=organization().id, cursor=request.args.get("cursor")),
    )


def _again(**_values: str) -> ResponseReturnValue:
    """The list with what was refused on top."""
    return listings()


@blueprint.post("/listings/<listing_id>/price")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(_again)
def set_price(listing_id: str) -> ResponseReturnValue:
    listing = _mine(listing_id)
    price = Money(load_form(PriceForm())["price"], listing.price.currency)
    verbs.set_price(listing_id=listing.id, price=price, actor=actor())
    return see_other("sellers.listings", toast=_("The new price is in force."))


@blueprint.post("/listings/<listing_id>/<step>")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(_again)
def move(listing_id: str, step: str) -> ResponseReturnValue:
    listing = _mine(listing_id)
    steps = {"publish": verbs.publish, "pause": verbs.pause, "withdraw": verbs.withdraw}
    verb = steps.get(step)
    if verb is None:
        raise NotFound
    verb(listing_id=listing.id, actor=actor())
    return see_other("sellers.listings")


def _mine(listing_id: str) -> Listing:
    return queries.get_own_listing(parse_id(listing_id, Listing), viewer=organization().id)
