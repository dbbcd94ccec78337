"""Pages about people, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.leads.views import lists, revocations
from exchange.leads.views.blueprint import blueprint

__all__ = ["blueprint", "lists", "revocations"]
