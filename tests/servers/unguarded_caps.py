"""The exchange without its guard of caps and wallets: the control of the race of posted leads.

What contracts have left is read and nothing is locked, as in a program that looks before it sells;
whoever has looked waits until others have looked in the same hour.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from exchange.app import create_app
from exchange.billing import queries as billing
from exchange.config import Settings
from exchange.core import clock
from exchange.market.queries.standings import contract_rows, standings
from exchange.market.services import gates, rounds
from exchange.market.services.rounds import Sale
from tests.servers.meeting import meet


def look_at_all(sale: Sale, contract_ids: Collection[UUID], _lead_ids: Collection[UUID]) -> bool:
    """All that `lock_all` reads, and no lock."""
    sale.now = clock.after_lock()
    sale.standings |= standings(
        contract_rows(contract_ids),
        seller=sale.seller,
        entries=sale.entries,
        now=sale.now,
        locked=True,
    )
    buyers = {sale.standings[key].entry.buyer_id for key in contract_ids}
    sale.wallets |= billing.wallets(buyers, currency=sale.listing.price.currency)
    meet(f"{sale.now:%j %H}")
    return True


rounds.lock_all = look_at_all
gates.take_turns = lambda _buyers: None
app = create_app(Settings.from_environment())
