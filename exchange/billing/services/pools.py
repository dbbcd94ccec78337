"""Pools: one sum for what several things together may cost (decision 19).

A pool is filled from the wallet and gives holds to what does cost; what it lacks then comes from
the wallet, from credit, and at last from the buyer's debt. Billing does not know what a pool is
for: whoever asks holds the lock of its subject, so that one change of it follows the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from exchange.billing import accounts, ledger
from exchange.billing.ledger import Move
from exchange.billing.models import Pool, Reason
from exchange.billing.services import holds
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, save
from exchange.core.events import Ref
from exchange.core.money import Currency, Money


def resize(
    *, organization_id: UUID, subject: Ref, to: Money, actor: Actor, partly: bool = False
) -> Money:
    """Make the pool of a subject this large, or change nothing; returns how large it is.

    With `partly` it grows as far as wallet and credit go. Raises InsufficientFunds, with what is
    missing, where that is not asked for and they do not go so far.
    """
    pool = _opened(organization_id, subject, to.currency)
    more = to.amount - pool.amount.amount
    wallet = accounts.wallet(organization_id, to.currency)
    held = accounts.held(organization_id, to.currency)
    if more > 0 and partly:
        more = min(more, ledger.lock_headroom(wallet, held).amount)
    source, target = (wallet, held) if more > 0 else (held, wallet)
    change = Money(abs(more), to.currency)
    if change:
        ledger.post(
            key=f"pool-{pool.id}-{pool.changes + 1}",
            reason=Reason.HELD if more > 0 else Reason.HOLD_RELEASED,
            subject=subject,
            moves=[Move(source, target, change)],
        )
        _set(pool, Money(pool.amount.amount + more, to.currency), actor=actor)
        pool.changes += 1
    pool.sized_at = clock.now()
    return pool.amount


def draw(*, organization_id: UUID, subject: Ref, ref: Ref, amount: Money, actor: Actor) -> Money:
    """Make part of a pool the hold of `ref`; returns how much of it the buyer owes.

    What the pool lacks comes from the wallet, down to its floor, and from debt: the hold is whole
    in any case. The caller sees to it that a reference draws once.
    """
    currency = amount.currency
    pool = _opened(organization_id, subject, currency)
    wallet, held, debt = (
        account(organization_id, currency)
        for account in (accounts.wallet, accounts.held, accounts.buyer_debt)
    )
    lacking = amount - min(amount, pool.amount)
    paid = min(lacking, ledger.lock_headroom(wallet, held, debt)) if lacking else lacking
    ledger.post(
        key=f"hold-{ref.id}",
        reason=Reason.HELD,
        subject=ref,
        moves=[Move(wallet, held, paid), Move(debt, held, lacking - paid)],
    )
    _set(pool, pool.amount - (amount - lacking), actor=actor)
    holds.write(organization_id, [(ref, amount)])
    return lacking - paid


def filled(*, kind: str, limit: int) -> Sequence[UUID]:
    """The subjects of this kind with money in their pool, the one sized longest ago first."""
    statement = select(Pool.subject_id).where(
        Pool.subject_kind == kind, Pool.__table__.c.amount_amount > 0
    )
    return db.session.scalars(statement.order_by(Pool.sized_at, Pool.id).limit(limit)).all()


def _find(subject: Ref) -> Pool | None:
    return db.session.scalar(
        select(Pool)
        .where(Pool.subject_kind == subject.kind, Pool.subject_id == subject.id)
        .execution_options(populate_existing=True)
    )


def _opened(organization_id: UUID, subject: Ref, currency: Currency) -> Pool:
    """The pool of a subject; an empty one where there was none."""
    pool = _find(subject) or save(
        Pool(
            organization_id=organization_id,
            amount=Money(0, currency),
            subject_kind=subject.kind,
            subject_id=subject.id,
            sized_at=clock.now(),
        )
    )
    assert pool.organization_id == organization_id
    return pool


def _set(pool: Pool, amount: Money, *, actor: Actor) -> None:
    """Write the new size down; the change is on the record."""
    before, pool.amount = pool.amount, amount
    if before != amount:
        events.record(
            "pool.resized",
            subject=Ref(pool.subject_kind, pool.subject_id),
            actor=actor,
            organization_id=pool.organization_id,
            before=before.amount,
            amount=amount.amount,
            currency=amount.currency,
        )
