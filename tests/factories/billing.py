"""Money for tests: wallets that are full without anybody having asked Stripe."""

from __future__ import annotations

from exchange.billing import accounts, ledger
from exchange.billing.models import CreditLimit, Reason
from exchange.billing.services import credit
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.money import Currency, Money
from tests.cast import Cast, Player


def fund_wallet(
    buyer: Player, amount: int = 100_000_00, currency: Currency = Currency.USD
) -> Money:
    """Put this much, in minor units, into the wallet of the player's organization."""
    money = Money(amount, currency)
    owner = buyer.organization.id
    ledger.post(
        key=f"test-money-{uuid7()}",
        reason=Reason.TOPPED_UP,
        subject=Ref("organization", owner),
        moves=[ledger.Move(accounts.cash(currency), accounts.wallet(owner, currency), money)],
    )
    return money


def grant_credit(cast: Cast, buyer: Player, limit: Money) -> CreditLimit:
    """Let the player's organization spend so much more than it has, as two people decide it."""
    proposed = credit.propose(
        organization_id=buyer.organization.id,
        limit=limit,
        reason="A test",
        actor=cast.finance.actor,
    )
    return credit.approve(credit_limit_id=proposed.id, actor=cast.admin.actor)
