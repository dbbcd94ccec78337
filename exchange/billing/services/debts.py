"""Debts of buyers: what an action cost beyond pool, wallet and credit is repaid first."""

from __future__ import annotations

from uuid import UUID

from exchange.billing import accounts, ledger
from exchange.billing.ledger import Move
from exchange.billing.models import Reason
from exchange.core.actors import Actor
from exchange.core.events import Ref, record
from exchange.core.ids import uuid7
from exchange.core.money import Currency, Money


def repay(*, organization_id: UUID, currency: Currency, actor: Actor) -> Money:
    """Repay what a buyer owes as far as the wallet's own money goes; returns how much moved.

    Credit repays no debt. What is left to repay is read behind the locks, so a repeat finds
    nothing.
    """
    wallet = accounts.wallet(organization_id, currency)
    debt = accounts.buyer_debt(organization_id, currency)
    balances = ledger.lock_balances([wallet, debt])
    amount = Money(max(min(balances[wallet], -balances[debt]), 0), currency)
    if amount:
        subject = Ref("organization", organization_id)
        ledger.post(
            key=f"debt-{uuid7()}",
            reason=Reason.DEBT_REPAID,
            subject=subject,
            moves=[Move(wallet, debt, amount)],
        )
        record(
            "debt.repaid",
            subject=subject,
            actor=actor,
            organization_id=organization_id,
            amount=amount.amount,
            currency=currency,
        )
    return amount
