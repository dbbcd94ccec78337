"""Auctions of the seller: announced from a listing, watched without amounts, read afterwards."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.idempotency import idempotent
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries
from exchange.market.auction_models import Auction
from exchange.market.models import Listing
from exchange.market.services import auctions as verbs
from exchange.sellers.schemas import LASTS, OPENS_IN, AuctionForm
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/auctions")
@requires(Permission.BATCH_READ)
def auctions() -> Response:
    page = queries.auctions(
        viewer=organization().id, is_seller=True, cursor=request.args.get("cursor")
    )
    listings = [
        queries.get_own_listing(one.listing_id, viewer=one.organization_id) for one in page.items
    ]
    return render(
        "sellers/auctions/index.html",
        block="results",
        page=page,
        names={one.id: queries.get_batch_of(one).name for one in listings},
        counts=queries.bid_counts([one.id for one in page.items]),
    )


@blueprint.get("/auctions/<auction_id>")
@requires(Permission.BATCH_READ)
def auction(auction_id: str) -> Response:
    found = _mine(auction_id)
    listing = queries.get_own_listing(found.listing_id, viewer=organization().id)
    return render(
        "sellers/auctions/detail.html",
        a=found,
        batch=queries.get_batch_of(listing),
        bids=queries.bid_counts([found.id]).get(found.id, 0),
        results=queries.results(found),
    )


@blueprint.get("/listings/<listing_id>/auction")
@requires(Permission.LISTING_PUBLISH)
def new_auction(listing_id: str) -> Response:
    listing = queries.get_own_listing(parse_id(listing_id, Listing), viewer=organization().id)
    return render(
        "sellers/auctions/new.html",
        listing=listing,
        batch=queries.get_batch_of(listing),
        left=queries.sales_left(listing),
        opens_in=OPENS_IN,
        lasts=LASTS,
    )


@blueprint.post("/listings/<listing_id>/auction")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(new_auction)
@idempotent
def schedule_auction(listing_id: str) -> ResponseReturnValue:
    form = load_form(AuctionForm())
    opens_at = clock.after_lock() + timedelta(hours=form["opens_in"])
    made = verbs.schedule(
        listing_id=parse_id(listing_id, Listing),
        units=form["units"],
        opens_at=opens_at if form["opens_in"] else None,
        closes_at=opens_at + timedelta(hours=form["lasts"]),
        actor=actor(),
    )
    toast = _("The auction is announced.")
    return see_other("sellers.auction", auction_id=made.public_id, toast=toast)


@blueprint.post("/auctions/<auction_id>/call-off")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(auction)
def call_off_auction(auction_id: str) -> ResponseReturnValue:
    verbs.call_off(auction_id=_mine(auction_id).id, actor=actor())
    return see_other(
        "sellers.auction", auction_id=auction_id, toast=_("The auction is called off.")
    )


def _mine(auction_id: str) -> Auction:
    return queries.get_own_auction(parse_id(auction_id, Auction), viewer=organization().id)
