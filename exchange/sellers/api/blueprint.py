"""The blueprint of the seller's API."""

from __future__ import annotations

from exchange.core.doors import Blueprint

blueprint = Blueprint("sellers_api", __name__, description="Batches, leads and offers of a seller")
