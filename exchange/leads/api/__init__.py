"""The API about people, one module per noun on one blueprint."""

from __future__ import annotations

from exchange.leads.api import people
from exchange.leads.api.blueprint import blueprint

__all__ = ["blueprint", "people"]
