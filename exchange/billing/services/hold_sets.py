"""Holds of many buyers at once: their wallets are locked and read first, then all is set aside.

Whoever places the holds knows by then what each wallet covers, so that one buyer who cannot pay
does not undo the others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.billing import accounts, ledger
from exchange.billing.ledger import Entry, Move
from exchange.billing.models import Reason
from exchange.billing.services import holds
from exchange.core.events import Ref
from exchange.core.money import Currency, Money


@dataclass(frozen=True, slots=True)
class Wanted:
    """The same amount to be held for each of these sales of one subject."""

    organization_id: UUID
    subject: Ref
    refs: Sequence[Ref]
    amount: Money


def lock_wallets(owners: Collection[UUID], *, currency: Currency) -> dict[UUID, int]:
    """Lock what these can spend, their credit in it, and what holds of theirs will touch.

    By owner, in minor units.
    """
    wallets = {owner: accounts.wallet(owner, currency) for owner in owners}
    held = [accounts.held(owner, currency) for owner in owners]
    headrooms = ledger.lock_headrooms(wallets.values(), held)
    return {owner: headrooms[wallet] for owner, wallet in wallets.items()}


def place_all(wanted: Sequence[Wanted]) -> None:
    """Set everything aside, with one posting for each subject; subjects are new.

    The event of each subject says its sum, so none is recorded here. Raises InsufficientFunds,
    and changes nothing, where the caller did not ask `lock_wallets` first.
    """
    done = ledger.post_all(map(_entry, wanted))
    assert len(done) == len(wanted)
    holds.write_all([(one.organization_id, ref, one.amount) for one in wanted for ref in one.refs])


def _entry(one: Wanted) -> Entry:
    currency = one.amount.currency
    move = Move(
        accounts.wallet(one.organization_id, currency),
        accounts.held(one.organization_id, currency),
        one.amount * len(one.refs),
    )
    return Entry(f"hold-{one.subject.id}", Reason.HELD, one.subject, (move,))
