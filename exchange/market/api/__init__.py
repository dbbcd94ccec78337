"""The market's API, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.market.api import auctions, refusals, trade
from exchange.market.api.blueprint import blueprint

__all__ = ["auctions", "blueprint", "refusals", "trade"]
