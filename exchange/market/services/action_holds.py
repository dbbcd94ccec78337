"""Verbs of the money behind a contract under CPA: one pool that follows its open leads.

Whoever calls them holds the contract's lock: leads, actions and the pool change one after the
other. The pool itself is billing's, which knows nothing of leads.
"""

from __future__ import annotations

from uuid import UUID

from exchange.billing.services import pools
from exchange.core.actors import Actor
from exchange.core.db import lock
from exchange.core.events import Ref
from exchange.core.money import Money
from exchange.market.action_pool import Backing
from exchange.market.contract_models import Contract
from exchange.market.models import OrderLine
from exchange.market.queries.actions import backings


def cover(*, contract: Contract, price: int, new_leads: int, actor: Actor) -> Money:
    """Make the pool large enough for so many leads more at `price` minor units, or change nothing.

    Returns its size. Asked before their lines are written. Raises InsufficientFunds, with what is
    missing, when the pool cannot grow: then nothing is delivered (decision 19).
    """
    return _resize(contract, _backing(contract, price).size(new_leads), actor=actor)


def missing(contract: Contract, *, new_leads: int = 1) -> Money:
    """How much the pool must grow before so many leads more come; nil where it is large enough."""
    return Money(
        _backing(contract, contract.price.amount).missing(new_leads), contract.price.currency
    )


def follow(*, contract_id: UUID, actor: Actor) -> Money:
    """Bring the pool to what the open leads ask for, as far as wallet and credit go."""
    contract = lock(Contract, contract_id)
    found = _backing(contract, 0)
    return _resize(contract, found.size(), actor=actor, partly=True)


def set_apart(*, contract: Contract, line: OrderLine, ref: Ref, actor: Actor) -> Money:
    """Take the price of one action out of the pool; returns how much of it the buyer owes.

    The line says by then that its action is reported, so the pool follows the leads that are left.
    """
    owed = pools.draw(
        organization_id=contract.organization_id,
        subject=Ref.to(contract),
        ref=ref,
        amount=line.price,
        actor=actor,
    )
    follow(contract_id=contract.id, actor=actor)
    return owed


def _backing(contract: Contract, price: int) -> Backing:
    return backings({contract.id: price})[contract.id]


def _resize(contract: Contract, size: int, *, actor: Actor, partly: bool = False) -> Money:
    return pools.resize(
        organization_id=contract.organization_id,
        subject=Ref.to(contract),
        to=Money(size, contract.price.currency),
        actor=actor,
        partly=partly,
    )
