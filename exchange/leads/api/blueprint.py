"""The blueprint that the API about people hangs on."""

from __future__ import annotations

from exchange.core.doors import Blueprint

blueprint = Blueprint("leads_api", __name__, description="Lists of people and withdrawals")
