"""Auctions by sealed bids: announcing one, bidding, and the proof that anybody recomputes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exchange.core.db import parse_id
from exchange.core.errors import NotFound
from exchange.core.forms import list_of
from exchange.core.idempotency import idempotent
from exchange.identity.access import actor, organization, public, requires
from exchange.identity.permissions import Permission
from exchange.market import queries
from exchange.market.api.blueprint import blueprint
from exchange.market.auction_models import Auction, Bid
from exchange.market.auction_schemas import (
    AuctionOut,
    AuctionQuery,
    BidOut,
    NewAuction,
    NewBid,
    ProofOut,
)
from exchange.market.services import auctions, bids

Json = dict[str, Any]  # Any: what the schemas write


@blueprint.route("/auctions", methods=["POST"])
@requires(Permission.LISTING_PUBLISH)
@idempotent
@blueprint.arguments(NewAuction)
@blueprint.response(201, AuctionOut)
def schedule_auction(form: Json) -> Json:
    """Announce an auction of a listing of yours; the floor is its price.

    While it runs the listing is sold by bids alone; afterwards it goes back to how it was sold.
    """
    return _shown(auctions.schedule(actor=actor(), **form))


@blueprint.route("/auctions", methods=["GET"])
@requires(Permission.MARKET_READ, Permission.BATCH_READ)
@blueprint.arguments(AuctionQuery, location="query")
@blueprint.response(200, list_of(AuctionOut))
def list_auctions(asked: Json) -> Json:
    """List auctions, newest first. A seller gets the own ones."""
    page = queries.auctions(
        viewer=organization().id,
        is_seller=Permission.MARKET_READ not in actor().permissions,
        status=(asked["status"],) if asked["status"] else (),
        cursor=asked["cursor"],
        limit=asked["limit"],
    )
    return {
        "items": _all_shown(page.items),
        "has_more": page.has_more,
        "next_cursor": page.next_cursor,
    }


@blueprint.route("/auctions/<auction_id>", methods=["GET"])
@requires(Permission.MARKET_READ, Permission.BATCH_READ)
@blueprint.response(200, AuctionOut)
def show_auction(auction_id: str) -> Json:
    """Show an auction, with your own bid."""
    return _shown(_seen(auction_id))


@blueprint.route("/auctions/<auction_id>/bids", methods=["POST"])
@requires(Permission.BID_PLACE)
@idempotent
@blueprint.arguments(NewBid)
@blueprint.response(201, BidOut)
def place_bid(form: Json, auction_id: str) -> Json:
    """Seal a bid, or change yours: the former version is replaced and its money free.

    You pay what you bid. What is held is the step above it on the public ladder, for each lead.
    402 says what is missing in the wallet, 410 `auction_over` that it came too late.
    """
    seen = _seen(auction_id)
    bid = bids.place(auction_id=seen.id, buyer_id=organization().id, actor=actor(), **form)
    return _bids([bid])[0]


@blueprint.route("/auctions/<auction_id>/bids/<bid_id>", methods=["DELETE"])
@requires(Permission.BID_PLACE)
@blueprint.response(200, BidOut)
def withdraw_bid(auction_id: str, bid_id: str) -> Json:
    """Withdraw your bid; the money is free at once."""
    seen = _seen(auction_id)
    mine = queries.get_own_bid(parse_id(bid_id, Bid), viewer=organization().id)
    if mine.auction_id != seen.id:
        raise NotFound
    bid = bids.withdraw(bid_id=mine.id, actor=actor())
    return _bids([bid])[0]


@blueprint.route("/auctions/<auction_id>/proof", methods=["GET"])
@public
@blueprint.response(200, ProofOut)
def auction_proof(auction_id: str) -> Json:
    """Show the chain of arrivals; after the close all that gives the result again."""
    auction = queries.get_auction(parse_id(auction_id, Auction), viewer=None)
    return queries.auction_proof(auction)


def _seen(auction_id: str) -> Auction:
    return queries.get_auction(parse_id(auction_id, Auction), viewer=organization().id)


def _shown(auction: Auction) -> Json:
    return _all_shown([auction])[0]


def _all_shown(found: Sequence[Auction]) -> list[Json]:
    auction_ids = [one.id for one in found]
    counts = queries.bid_counts(auction_ids)
    own = queries.latest_bids(auction_ids, viewer=organization().id)
    shown = {bid["bid"].auction_id: bid for bid in _bids(list(own.values()))}
    return [
        {"auction": one, "bids": counts.get(one.id, 0), "own_bid": shown.get(one.id)}
        for one in found
    ]


def _bids(found: Sequence[Bid]) -> list[Json]:
    links = queries.links_of_bids(found)
    orders = queries.orders_of_bids([bid.id for bid in found])
    return [
        {
            "bid": bid,
            "link": links[bid.id],
            "order_id": orders[bid.id].id if bid.id in orders else None,
        }
        for bid in found
    ]
