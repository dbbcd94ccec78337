"""The blueprint that the market's API hangs on."""

from __future__ import annotations

from exchange.core.doors import Blueprint

blueprint = Blueprint("market_api", __name__, description="Verticals, listings, orders, auctions")
