"""Pages of the seller, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.sellers.views import (
    actions,
    auctions,
    batches,
    confirming,
    home,
    imports,
    listing_deeds,
    listings,
    mending,
    offers,
    posted,
    posting,
    recognition,
    returns,
    sales,
    sources,
)
from exchange.sellers.views.blueprint import blueprint

__all__ = [
    "actions",
    "auctions",
    "batches",
    "blueprint",
    "confirming",
    "home",
    "imports",
    "listing_deeds",
    "listings",
    "mending",
    "offers",
    "posted",
    "posting",
    "recognition",
    "returns",
    "sales",
    "sources",
]
