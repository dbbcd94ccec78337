"""What a seller pays for having leads called: set aside for all, earned one by one, the rest back.

It comes out of the seller's payable money first, then out of the wallet. What is not used goes
back the other way round, so that nobody's payable money is locked up in a wallet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from exchange.billing import accounts, ledger
from exchange.billing.ledger import Move
from exchange.billing.models import HoldStatus, Reason
from exchange.billing.services import holds
from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.errors import InsufficientFunds
from exchange.core.events import Ref
from exchange.core.money import Money, total

MISSING: Final = (
    "Your payable balance and your wallet together do not cover this. Pay in what is missing."
)


def place(
    *, seller_id: UUID, refs: Sequence[Ref], price: Money, subject: Ref, actor: Actor
) -> Money:
    """Set `price` aside for each reference, or change nothing; returns what the wallet gave.

    Raises InsufficientFunds with what is missing. The caller sees to it that a subject asks once.
    """
    sum_, currency = price * len(refs), price.currency
    payable, wallet, held = (
        accounts.payable(seller_id, currency),
        accounts.wallet(seller_id, currency),
        accounts.held(seller_id, currency),
    )
    balances = ledger.lock_balances([payable, wallet, held])
    earned = Money(min(balances[payable], sum_.amount), currency)
    missing = sum_.amount - earned.amount - balances[wallet]
    if missing > 0:
        raise InsufficientFunds(MISSING, missing=missing, currency=currency)
    moves = (Move(payable, held, earned), Move(wallet, held, sum_ - earned))
    ledger.post(key=f"hold-{subject.id}", reason=Reason.HELD, subject=subject, moves=moves)
    holds.write(seller_id, [(ref, price) for ref in refs])
    events.record(
        "hold.placed", subject=subject, actor=actor, organization_id=seller_id, count=len(refs)
    )
    return sum_ - earned


def earn(*, ref: Ref, actor: Actor) -> None:
    """The answer was given: what was held for it is the house's. A repeat moves nothing.

    Raises NotFound for a reference without a hold, IllegalTransition where it was given back.
    """
    answered = holds.lock_active([ref], unless=HoldStatus.CAPTURED)
    for hold in answered:
        currency = hold.amount.currency
        held = accounts.held(hold.organization_id, currency)
        ledger.post(
            key=ledger.key(ref, "inspected"),
            reason=Reason.INSPECTED,
            subject=ref,
            moves=[Move(held, accounts.inspection_income(currency), hold.amount)],
        )
    holds.resolve(answered, HoldStatus.CAPTURED, actor=actor)


def release(
    *, seller_id: UUID, refs: Sequence[Ref], wallet_gave: Money, subject: Ref, actor: Actor
) -> Money:
    """Give back what these references were held for; those given back before stay as they are.

    `wallet_gave` is what of the wallet's money was not given back yet: it is filled up first.
    Returns what of that is still owed to it. Raises IllegalTransition where one was earned.
    """
    left = holds.lock_active(refs, unless=HoldStatus.RELEASED)
    if not left:
        return wallet_gave
    currency = wallet_gave.currency
    sum_ = total((hold.amount for hold in left), currency)
    to_wallet = min(sum_, wallet_gave)
    held = accounts.held(seller_id, currency)
    ledger.post(
        key=ledger.key(left[0].ref, "released"),
        reason=Reason.HOLD_RELEASED,
        subject=subject,
        moves=[
            Move(held, accounts.wallet(seller_id, currency), to_wallet),
            Move(held, accounts.payable(seller_id, currency), sum_ - to_wallet),
        ],
    )
    holds.resolve(left, HoldStatus.RELEASED, actor=actor)
    return wallet_gave - to_wallet
