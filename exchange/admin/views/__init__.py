"""Pages of the operator, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.admin.views import (
    batches,
    charts,
    clock,
    credit,
    events,
    home,
    ledger,
    organizations,
    returns,
    sources,
    verticals,
)
from exchange.admin.views.blueprint import blueprint

__all__ = [
    "batches",
    "blueprint",
    "charts",
    "clock",
    "credit",
    "events",
    "home",
    "ledger",
    "organizations",
    "returns",
    "sources",
    "verticals",
]
