"""The market: listings that the buyer can buy from, narrowed by what stands in the address."""

from __future__ import annotations

from typing import Any

from flask import Response

from exchange.buyers import queries
from exchange.buyers.schemas import MarketQuery
from exchange.buyers.views.blueprint import blueprint
from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core.web import load_query, render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.market.queries import Filters, facets


@blueprint.get("/market")
@requires(Permission.MARKET_READ)
def market() -> Response:
    asked, ours = load_query(MarketQuery()), organization()
    vertical = catalog.get_vertical(asked["vertical"]) if asked["vertical"] else None
    filters = _filters(asked, vertical)
    return render(
        "buyers/market/index.html",
        block="market",
        page=queries.offers(
            viewer=ours.id, filters=filters, sort=asked["sort"], cursor=asked["cursor"]
        ),
        facets=facets(viewer=ours.id, filters=filters),
        market=queries.market_of(vertical) if vertical else None,
        verticals=catalog.verticals(),
        asked=asked,
    )


def _filters(asked: dict[str, Any], vertical: Vertical | None) -> Filters:
    """Regions and prices mean something inside one vertical only."""
    inside = vertical is not None
    return Filters(
        vertical_id=vertical.id if vertical else None,
        regions=(asked["region"],) if inside and asked["region"] else (),
        fresh_hours=asked["fresh"],
        kind=asked["kind"],
        quality_classes=(asked["quality_class"],) if asked["quality_class"] else (),
        price_max=asked["price_max"] if inside else None,
        checked=asked["checked"],
    )
