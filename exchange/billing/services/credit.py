"""Credit limits of buyers: one person of the operator proposes, another one approves.

The limit is the floor of the buyer's wallet, so that nothing else has to know of it: whatever is
bought, held or drawn ends where the ledger says.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from exchange.billing import accounts, ledger
from exchange.billing.models import CreditLimit, CreditStatus
from exchange.billing.queries.credit import credit_in_force, waiting_credit
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.models import Organization
from exchange.identity.permissions import OrganizationKind

LIMIT_MAX: Final = 100_000_000_00  # minor units: more is a slip of the keyboard


def propose(*, organization_id: UUID, limit: Money, reason: str, actor: Actor) -> CreditLimit:
    """Ask that a buyer may spend so much beyond what was paid in; nothing changes by it yet.

    Raises NotFound for whoever is no buyer, Invalid for a limit that is in force or no limit,
    Conflict `credit_waiting` while another one in the currency waits.
    """
    buyer = lock(Organization, organization_id)  # proposals come one after the other
    if buyer.kind is not OrganizationKind.BUYER or actor.id is None:
        raise NotFound
    if not 0 <= limit.amount <= LIMIT_MAX:
        raise _invalid("A credit limit is nothing or more, up to 100 million.")
    if limit == credit_in_force(organization_id, limit.currency):
        raise _invalid("This is the limit in force.")
    if waiting_credit(organization_id, limit.currency) is not None:
        raise Conflict("Another limit in this currency waits to be decided.", code="credit_waiting")
    found = save(
        CreditLimit(
            organization_id=organization_id, amount=limit, reason=reason, proposed_by_id=actor.id
        )
    )
    events.record("credit_limit.proposed", subject=found, actor=actor, **_facts(found))
    return found


def approve(*, credit_limit_id: UUID, actor: Actor) -> CreditLimit:
    """Let the limit hold from now on; what is used stays used.

    Raises Conflict `second_person` for who proposed it, `credit_used` where the buyer owes more
    than the new limit already, IllegalTransition for one that was decided, NotFound.
    """
    found = lock(CreditLimit, credit_limit_id)
    if found.proposed_by_id == actor.id:
        raise Conflict("Somebody else than who proposed it approves it.", code="second_person")
    _decide(found, CreditStatus.APPROVED, actor)
    wallet = accounts.wallet(found.organization_id, found.amount.currency)
    if not ledger.set_floor(wallet, -found.amount.amount):
        raise Conflict("More than this is used already. Decline it.", code="credit_used")
    return found


def decline(*, credit_limit_id: UUID, actor: Actor) -> CreditLimit:
    """Leave the limit as it is; who proposed one may take it back so. Raises as `approve` does."""
    found = lock(CreditLimit, credit_limit_id)
    _decide(found, CreditStatus.DECLINED, actor)
    return found


def _decide(found: CreditLimit, to: CreditStatus, actor: Actor) -> None:
    if found.status is CreditStatus.PROPOSED:
        found.decided_by_id, found.decided_at = actor.id, clock.now()
    transition(found, to, actor=actor, **_facts(found))


def _facts(found: CreditLimit) -> dict[str, Any]:  # Any: JSON values
    return {"amount": found.amount.amount, "currency": str(found.amount.currency)}


def _invalid(detail: str) -> Invalid:
    return Invalid(errors=(FieldProblem("/limit", "out_of_range", detail),))
