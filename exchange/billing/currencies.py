"""In which currencies something trades. The assembly knows the verticals; money does not."""

from __future__ import annotations

from flask import current_app

from exchange.billing import queries
from exchange.core.money import Currency
from exchange.identity.access import organization


def traded_currencies() -> list[Currency]:
    """What a wallet can be filled in: what verticals trade in, else the currency of one's home."""
    found: list[Currency] = current_app.extensions["currencies"]()
    return found or [queries.home_currency(organization())]
