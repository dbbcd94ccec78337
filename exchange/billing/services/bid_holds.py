"""What was set aside for bids: at the close winners pay their bid, all the rest goes back.

Money of a winner stays in `held` and changes only what it is held for, so nothing is set aside
twice and nothing is free in between. All accounts are locked together before anything moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from exchange.billing import accounts, ledger
from exchange.billing.ledger import Entry, Move
from exchange.billing.models import HoldStatus, Reason
from exchange.billing.services import holds
from exchange.billing.services.holds import LockedHold
from exchange.core.actors import Actor
from exchange.core.errors import Conflict
from exchange.core.events import Ref
from exchange.core.money import Money, total

Won = Mapping[Ref, Sequence[tuple[Ref, Money]]]  # by bid, what it pays for now


def resolve(*, refs: Sequence[Ref], won: Won, seller_id: UUID, actor: Actor) -> None:
    """End the holds of all bids of an auction: what a bid won is held on, all else is free.

    The seller's account is locked as well, for the deliveries that follow in this transaction.
    Repeated it moves nothing. Raises NotFound for a bid without a hold and Conflict where one won
    more than was set aside for it.
    """
    active = holds.lock_active(refs, unless=HoldStatus.RELEASED)
    if not active:
        return
    _lock_accounts(active, seller_id)
    entries = [_surplus(hold, won.get(hold.ref, ())) for hold in active]
    holds.resolve(active, HoldStatus.RELEASED, actor=actor)
    ledger.post_all(entries)
    for hold in active:
        if lines := won.get(hold.ref):
            holds.write(hold.organization_id, lines)


def _lock_accounts(active: Sequence[LockedHold], seller_id: UUID) -> None:
    currency = active[0].amount.currency
    named = {accounts.pending(seller_id, currency)}
    for hold in active:
        named.add(accounts.held(hold.organization_id, currency))
        named.add(accounts.wallet(hold.organization_id, currency))
    ledger.lock_balances(named)


def _surplus(hold: LockedHold, lines: Sequence[tuple[Ref, Money]]) -> Entry:
    currency = hold.amount.currency
    paid = total((amount for _, amount in lines), currency)
    if hold.amount < paid:
        raise Conflict("A bid pays more than was set aside for it.")
    move = Move(
        accounts.held(hold.organization_id, currency),
        accounts.wallet(hold.organization_id, currency),
        hold.amount - paid,
    )
    return Entry(ledger.key(hold.ref, "released"), Reason.HOLD_RELEASED, hold.ref, (move,))
