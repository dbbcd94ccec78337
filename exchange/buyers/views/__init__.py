"""Pages of the buyer, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.buyers.views import (
    contacts,
    contract_editor,
    contracts,
    home,
    leads,
    listings,
    market,
    offers,
    orders,
    returns,
)
from exchange.buyers.views.blueprint import blueprint

__all__ = [
    "blueprint",
    "contacts",
    "contract_editor",
    "contracts",
    "home",
    "leads",
    "listings",
    "market",
    "offers",
    "orders",
    "returns",
]
