"""Pages of the buyer, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.buyers.views import (
    contacts,
    home,
    leads,
    listings,
    market,
    orders,
    returns,
    trying,
)
from exchange.buyers.views.blueprint import blueprint

__all__ = [
    "blueprint",
    "contacts",
    "home",
    "leads",
    "listings",
    "market",
    "orders",
    "returns",
    "trying",
]
