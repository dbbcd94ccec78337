"""Verbs of rates: billing knows scopes as words, the market knows that they are verticals."""

from __future__ import annotations

from uuid import UUID

from exchange.billing import queries as billing
from exchange.billing.services import commission
from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.leads.queries import vertical_of


def follow_terms(*, vertical_id: UUID, actor: Actor = SYSTEM) -> None:
    """Let what is sold in a vertical from now on be settled by the rate of its terms."""
    vertical = vertical_of(vertical_id)
    bps = catalog.get_terms(vertical).commission_bps
    if billing.commission_bps(vertical.code, clock.now()) != bps:
        commission.set_rate(scope=vertical.code, bps=bps, actor=actor)
