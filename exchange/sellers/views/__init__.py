"""Pages of the seller, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.sellers.views import (
    actions,
    batches,
    confirming,
    home,
    imports,
    listings,
    mending,
    posting,
    recognition,
    returns,
    sources,
)
from exchange.sellers.views.blueprint import blueprint

__all__ = [
    "actions",
    "batches",
    "blueprint",
    "confirming",
    "home",
    "imports",
    "listings",
    "mending",
    "posting",
    "recognition",
    "returns",
    "sources",
]
