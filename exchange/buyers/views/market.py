"""The market: listings that the buyer can buy from, narrowed by what stands in the address."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.buyers import queries, services
from exchange.buyers.looking import kept_query, look, look_again
from exchange.buyers.models import SavedSearch
from exchange.buyers.narrowing import rangeable
from exchange.buyers.schemas import MarketQuery, SavedSearchForm
from exchange.buyers.views.blueprint import blueprint
from exchange.buyers.views.common import seen_listing
from exchange.catalog import queries as catalog
from exchange.core.db import parse_id
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market.filters import choosable
from exchange.market.queries import count_lately, facets

COMPARED_MAX: Final = 3


@blueprint.get("/market")
@requires(Permission.MARKET_READ)
def market() -> Response:
    seen, ours = look(request.args, load_query(MarketQuery())), organization()
    vertical, fields = seen.vertical, seen.fields
    page = queries.offers(
        viewer=ours.id,
        filters=seen.filters,
        fields=fields,
        sort=seen.sort,
        cursor=seen.asked["cursor"],
    )
    return render(
        "buyers/market/index.html",
        block="market",
        page=page,
        lately=0 if page.items else count_lately(seen.filters),
        facets=facets(viewer=ours.id, filters=seen.filters, fields=fields),
        market=queries.market_of(vertical, region=seen.asked["region"]) if vertical else None,
        verticals=catalog.verticals(),
        asked=seen.asked,
        seen=seen,
        choosable=choosable(fields) if fields else [],
        rangeable=rangeable(fields) if fields else [],
        saved=queries.saved_searches(viewer=ours.id),
        query=kept_query(request.args),
    )


@blueprint.get("/market/compare")
@requires(Permission.MARKET_READ)
def compare() -> Response:
    """The chosen listings side by side: the first three of them."""
    chosen = list(dict.fromkeys(request.args.getlist("ids")))
    return render(
        "buyers/market/compare.html",
        compared=[
            queries.compare(seen_listing(one), viewer=organization().id)
            for one in chosen[:COMPARED_MAX]
        ],
        is_cut=len(chosen) > COMPARED_MAX,
    )


@blueprint.get("/market/saved/new")
@requires(Permission.MARKET_READ)
def new_saved_search() -> Response:
    return render("buyers/market/save.html", query=kept_query(request.args))


@blueprint.post("/market/saved")
@requires(Permission.MARKET_READ)
@again_with_errors(lambda: render("buyers/market/save.html", query=request.form.get("query", "")))
def save_search() -> ResponseReturnValue:
    form = load_form(SavedSearchForm())
    query = kept_query(dict(parse_qsl(form["query"])))
    look_again(query)  # refuses what cannot be asked
    services.save_search(name=form["name"], query=query, notifies=form["notifies"], actor=actor())
    toast = _("“%(name)s” is kept.", name=form["name"])
    return see_other("buyers.market", toast=toast, **dict(parse_qsl(query)))


@blueprint.post("/market/saved/<search_id>/delete")
@requires(Permission.MARKET_READ)
def delete_search(search_id: str) -> ResponseReturnValue:
    services.delete_search(search_id=parse_id(search_id, SavedSearch), actor=actor())
    return see_other("buyers.market", toast=_("The search is gone."))
