"""Pages of the buyer, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.buyers.views import (
    actions,
    auctions,
    contacts,
    contract_deeds,
    contract_editor,
    contracts,
    home,
    leads,
    listings,
    market,
    offers,
    orders,
    presets,
    returns,
    trying,
)
from exchange.buyers.views.blueprint import blueprint

__all__ = [
    "actions",
    "auctions",
    "blueprint",
    "contacts",
    "contract_deeds",
    "contract_editor",
    "contracts",
    "home",
    "leads",
    "listings",
    "market",
    "offers",
    "orders",
    "presets",
    "returns",
    "trying",
]
