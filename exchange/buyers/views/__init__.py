"""Pages of the buyer, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.buyers.views import actions, contacts, home, leads, listings, market, orders, returns
from exchange.buyers.views.blueprint import blueprint

__all__ = [
    "actions",
    "blueprint",
    "contacts",
    "home",
    "leads",
    "listings",
    "market",
    "orders",
    "returns",
]
