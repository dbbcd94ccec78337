"""Pages of demand: the wanted board, what buyers offer, and the offers that a source joined."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core.db import parse_id
from exchange.core.forms import PageQuery
from exchange.core.idempotency import idempotent
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries as leads
from exchange.market import queries as market
from exchange.market.contract_models import ContractSource
from exchange.market.offer_models import Offer
from exchange.market.services import offers as verbs
from exchange.sellers import offering
from exchange.sellers.offer_schemas import JoinForm, OffersQuery, WantedQuery
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/wanted")
@requires(Permission.BATCH_READ)
def wanted() -> Response:
    asked = load_query(WantedQuery())
    verticals = catalog.verticals()
    vertical = catalog.get_vertical(asked["vertical"]) if asked["vertical"] else None
    shown = vertical or _usual(verticals)
    return render(
        "sellers/offers/wanted.html",
        block="results",
        verticals=verticals,
        vertical=shown,
        fields=shown and catalog.get_definition(shown).fields,
        rows=shown and market.wanted(vertical_id=shown.id, currency=shown.currency),
        language=str(get_locale()),
    )


@blueprint.get("/offers")
@requires(Permission.BATCH_READ)
def offers() -> Response:
    asked, ours = load_query(OffersQuery()), organization().id
    vertical = catalog.get_vertical(asked["vertical"]) if asked["vertical"] else None
    page = market.offers(
        vertical_id=vertical.id if vertical else None,
        region=asked["region"] or None,
        pricing_model=asked["pricing_model"],
        cursor=asked["cursor"],
    )
    return render(
        "sellers/offers/index.html",
        block="results",
        page=page,
        seen=offering.offers_seen(page.items, viewer=ours),
        verticals=catalog.verticals(),
        asked=asked,
    )


@blueprint.get("/offers/joined")
@requires(Permission.BATCH_READ)
def joined_offers() -> Response:
    page = market.joined(viewer=organization().id, **load_query(PageQuery()))
    return render(
        "sellers/offers/joined.html",
        block="results",
        page=page,
        views=market.joined_views(page.items),
    )


@blueprint.get("/offers/joined/<joined_id>")
@requires(Permission.BATCH_READ)
def joined_offer(joined_id: str) -> Response:
    mine = _mine(joined_id)
    page = market.targeted_leads(mine, **load_query(PageQuery()))
    return render(
        "sellers/offers/joined_detail.html",
        block="results",
        seen=market.joined_views([mine])[0],
        page=page,
        leads=offering.targeted_leads(mine, page.items),
    )


@blueprint.post("/offers/joined/<joined_id>/price")
@requires(Permission.BATCH_UPLOAD)
def agree_to_price(joined_id: str) -> ResponseReturnValue:
    verbs.agree(joined_id=_mine(joined_id).id, actor=actor())
    return see_other("sellers.joined_offer", joined_id=joined_id, toast=_("The price is agreed."))


@blueprint.get("/offers/<offer_id>")
@requires(Permission.BATCH_READ)
def offer(offer_id: str) -> Response:
    ours = organization().id
    found = market.get_offer(parse_id(offer_id, Offer), viewer=ours)
    seen = offering.offer_seen(found, viewer=ours)
    return render(
        "sellers/offers/detail.html",
        seen=seen,
        definition=catalog.get_definition(seen.view.vertical),
        sources=[one for one in leads.sources(viewer=ours) if one.takes_leads],
        language=str(get_locale()),
    )


@blueprint.post("/offers/<offer_id>/join")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(offer)
@idempotent
def join_offer(offer_id: str) -> ResponseReturnValue:
    form = load_form(JoinForm())
    source = offering.named_source(form.pop("source"), viewer=organization().id)
    joined = verbs.join(
        offer_id=parse_id(offer_id, Offer), source_id=source.id, actor=actor(), **form
    )
    return see_other(
        "sellers.joined_offer", joined_id=joined.public_id, toast=_("The buyer has been asked.")
    )


def _mine(joined_id: str) -> ContractSource:
    return market.get_joined(parse_id(joined_id, ContractSource), viewer=organization().id)


def _usual(verticals: Sequence[Vertical]) -> Vertical | None:
    """The kind of lead that the seller brought last, else the first one there is."""
    last = leads.batches(viewer=organization().id, limit=1).items
    return leads.vertical_of(last[0].vertical_id) if last else next(iter(verticals), None)
