"""Auctions: what runs, the bid that is sealed, what it came to, and the proof.

An amount never stands in an address: addresses are logged. It is sent twice, once to be restated
and once to be sealed, and after that nobody reads it before the close.
"""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.buyers import queries
from exchange.buyers.queries import AuctionView
from exchange.buyers.schemas import AuctionsQuery, BidForm
from exchange.buyers.views.blueprint import blueprint
from exchange.core.db import parse_id
from exchange.core.errors import NotFound
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market.auction_models import Auction
from exchange.market.services import bids as verbs


@blueprint.get("/auctions")
@requires(Permission.MARKET_READ)
def auctions() -> Response:
    asked, viewer = load_query(AuctionsQuery()), organization().id
    found = queries.bid_page if asked["mine"] else queries.auction_page
    return render(
        "buyers/auctions/index.html",
        block="results",
        page=found(viewer=viewer, cursor=asked["cursor"]),
        mine=asked["mine"],
    )


@blueprint.get("/auctions/<auction_id>")
@requires(Permission.MARKET_READ)
def auction(auction_id: str) -> Response:
    return render("buyers/auctions/detail.html", auction=_seen(auction_id))


@blueprint.get("/auctions/<auction_id>/proof")
@requires(Permission.MARKET_READ)
def auction_proof(auction_id: str) -> Response:
    return render("buyers/auctions/proof.html", auction=_seen(auction_id))


@blueprint.post("/auctions/<auction_id>/check")
@requires(Permission.BID_PLACE)
@again_with_errors(auction)
def check_bid(auction_id: str) -> Response:
    """Restate a bid before it is sealed; nothing is kept of it yet."""
    seen = _seen(auction_id)
    amount, units = _bid(seen)
    verbs.require_valid(seen.auction, amount, units)
    held = verbs.held_for(seen.auction, amount, units)
    return render(
        "buyers/auctions/check.html",
        auction=seen,
        amount=amount,
        units=units,
        held=held,
        missing=held - seen.spendable if held > seen.spendable else None,
    )


@blueprint.post("/auctions/<auction_id>/bids")
@requires(Permission.BID_PLACE)
@again_with_errors(auction)
@idempotent
def place_bid(auction_id: str) -> ResponseReturnValue:
    seen = _seen(auction_id)
    amount, units = _bid(seen)
    made = verbs.place(
        auction_id=seen.auction.id,
        buyer_id=organization().id,
        amount=amount,
        units=units,
        actor=actor(),
    )
    toast = _("Your bid is sealed. It is arrival number %(number)s.", number=made.sequence)
    return see_other("buyers.auction", auction_id=auction_id, toast=toast)


@blueprint.post("/auctions/<auction_id>/withdraw")
@requires(Permission.BID_PLACE)
@again_with_errors(auction)
@idempotent
def withdraw_bid(auction_id: str) -> ResponseReturnValue:
    own = _seen(auction_id).row.own
    if own is None:
        raise NotFound
    verbs.withdraw(bid_id=own.id, actor=actor())
    toast = _("Your bid is withdrawn and the money is free.")
    return see_other("buyers.auction", auction_id=auction_id, toast=toast)


def _bid(seen: AuctionView) -> tuple[Money, int]:
    form = load_form(BidForm())
    return Money(form["amount"], seen.auction.floor.currency), form["units"]


def _seen(auction_id: str) -> AuctionView:
    return queries.get_auction_view(parse_id(auction_id, Auction), viewer=organization().id)
