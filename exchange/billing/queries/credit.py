"""Questions about credit limits: the one in force, the one that waits, and all so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from exchange.billing.accounts import wallet
from exchange.billing.models import Account, CreditLimit, CreditStatus
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.identity.models import User


@dataclass(frozen=True, slots=True)
class CreditStep:
    """A credit limit that was proposed, with the names of the people."""

    credit: CreditLimit
    proposed_by: str
    decided_by: str | None


def credit_in_force(organization_id: UUID, currency: Currency) -> Money:
    """How far a buyer's wallet may go below nil."""
    same = Account.id == wallet(organization_id, currency).id
    return Money(-(db.session.scalar(select(Account.floor).where(same)) or 0), currency)


def waiting_credit(organization_id: UUID, currency: Currency) -> CreditLimit | None:
    """The limit that waits to be decided."""
    return db.session.scalar(
        select(CreditLimit).where(
            CreditLimit.organization_id == organization_id,
            CreditLimit.__table__.c.amount_currency == currency,
            CreditLimit.status == CreditStatus.PROPOSED,
        )
    )


def credit_history(organization_id: UUID) -> Sequence[CreditStep]:
    """All that was proposed for a buyer, newest first."""
    proposer, decider = aliased(User), aliased(User)
    rows = db.session.execute(
        select(CreditLimit, proposer.name.label("proposed_by"), decider.name.label("decided_by"))
        .join(proposer, proposer.id == CreditLimit.proposed_by_id)
        .outerjoin(decider, decider.id == CreditLimit.decided_by_id)
        .where(CreditLimit.organization_id == organization_id)
        .order_by(CreditLimit.id.desc())
    )
    return [CreditStep(row.CreditLimit, row.proposed_by, row.decided_by) for row in rows]
