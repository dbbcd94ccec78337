"""What buyers want and offer: the wanted board, offers, and joining one with a source."""

from __future__ import annotations

from typing import Any

from exchange.catalog import queries as catalog
from exchange.core.db import parse_id
from exchange.core.forms import list_of
from exchange.core.idempotency import idempotent
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries as market
from exchange.market.offer_models import Offer
from exchange.market.services import offers as verbs
from exchange.sellers import offering
from exchange.sellers.api.blueprint import blueprint
from exchange.sellers.offer_schemas import (
    JoinedOut,
    JoinForm,
    OfferOut,
    OffersQuery,
    WantedOut,
    WantedQuery,
)

Json = dict[str, Any]  # Any: what the schemas write


@blueprint.route("/wanted", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.arguments(WantedQuery, location="query")
@blueprint.response(200, list_of(WantedOut))
def wanted(asked: Json) -> Json:
    """Show what active contracts ask for and pay, by vertical and region.

    A figure is told from three buyers on; `contracts: null` is few. A contract that names several
    regions counts in each.
    """
    verticals = [catalog.get_vertical(asked["vertical"])] if asked["vertical"] else None
    items = [
        {"vertical": one.code, "row": row, "required": required}
        for one in verticals or catalog.verticals()
        for required in [[spec.name for spec in catalog.get_definition(one).fields.required]]
        for row in market.wanted(
            vertical_id=one.id, currency=one.currency, region=asked["region"] or None
        )
    ]
    return {"items": items, "has_more": False, "next_cursor": None}


@blueprint.route("/offers", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.arguments(OffersQuery, location="query")
@blueprint.response(200, list_of(OfferOut))
def offers(asked: Json) -> Json:
    """List what buyers offer for leads that are captured for them alone, newest first."""
    code = asked.pop("vertical")
    asked["vertical_id"] = catalog.get_vertical(code).id if code else None
    page, ours = market.offers(**asked), organization().id
    items = offering.offers_seen(page.items, viewer=ours)
    return {"items": items, "has_more": page.has_more, "next_cursor": page.next_cursor}


@blueprint.route("/offers/<offer_id>", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.response(200, OfferOut)
def offer(offer_id: str) -> offering.OfferSeen:
    """Show the terms of an offer, what became of its leads, and your sources that joined it."""
    ours = organization().id
    found = market.get_offer(parse_id(offer_id, Offer), viewer=ours)
    return offering.offer_seen(found, viewer=ours)


@blueprint.route("/offers/<offer_id>/join", methods=["POST"])
@requires(Permission.BATCH_UPLOAD)
@idempotent
@blueprint.arguments(JoinForm)
@blueprint.response(201, JoinedOut)
def join(form: Json, offer_id: str) -> market.JoinedView:
    """Ask to bring leads of a source for an offer.

    Once the buyer approves it, post them with `contract` beside `source` and `vertical`. They are
    the buyer's alone: never listed, matched elsewhere or resold.
    """
    source = offering.named_source(form.pop("source"), viewer=organization().id)
    joined = verbs.join(
        offer_id=parse_id(offer_id, Offer), source_id=source.id, actor=actor(), **form
    )
    return market.joined_views([joined])[0]
