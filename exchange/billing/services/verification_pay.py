"""What verifiers earn: the cost of a check becomes what their organization can have paid out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from exchange.billing import accounts, ledger
from exchange.billing.ledger import Move
from exchange.billing.models import Reason
from exchange.core.events import Ref
from exchange.core.money import Money


def pay(*, ref: Ref, organization_id: UUID, amount: Money, occurred_at: datetime) -> bool:
    """Credit the verifiers' organization for this work, once; true when it moved money.

    The organization's account stays locked until the end: call it last.
    """
    cost = accounts.verification_cost(amount.currency)
    earned = accounts.verifier_payable(organization_id, amount.currency)
    return ledger.post(
        key=ledger.key(ref, "paid"),
        reason=Reason.VERIFICATION_PAID,
        subject=ref,
        moves=[Move(cost, earned, amount)],
        occurred_at=occurred_at,
    )


def take_back(*, ref: Ref, organization_id: UUID, amount: Money, occurred_at: datetime) -> bool:
    """Take the same back, once, where the work was undone; true when it moved money.

    Raises InsufficientFunds when it was paid out meanwhile.
    """
    cost = accounts.verification_cost(amount.currency)
    earned = accounts.verifier_payable(organization_id, amount.currency)
    return ledger.post(
        key=ledger.key(ref, "taken-back"),
        reason=Reason.CORRECTION,
        subject=ref,
        moves=[Move(earned, cost, amount)],
        occurred_at=occurred_at,
    )
