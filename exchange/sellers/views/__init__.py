"""Pages of the seller, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.sellers.views import (
    auctions,
    batches,
    confirming,
    home,
    imports,
    listings,
    mending,
    offers,
    posting,
    recognition,
    returns,
    sales,
    sources,
)
from exchange.sellers.views.blueprint import blueprint

__all__ = [
    "auctions",
    "batches",
    "blueprint",
    "confirming",
    "home",
    "imports",
    "listings",
    "mending",
    "offers",
    "posting",
    "recognition",
    "returns",
    "sales",
    "sources",
]
