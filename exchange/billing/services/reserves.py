"""The rolling reserve: what settlements kept back goes to the seller after its time.

The reserve must cover the settlements of the last thirty days, or of as many as the record of its
seller asks for; what is above that is released.
Refunds that ate into the reserve are thereby filled up again from what is kept next.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from exchange.billing import accounts, ledger
from exchange.billing.accounts import AccountRef
from exchange.billing.ledger import Entry, Move
from exchange.billing.models import Account, AccountKind, Posting, Reason, Transfer
from exchange.core import clock
from exchange.core.db import db
from exchange.core.events import Ref
from exchange.core.money import Currency, Money

RESERVE_DAYS: Final = 30  # of a seller without a record


def filled() -> set[UUID]:
    """The sellers of whom something is kept in reserve."""
    rows = db.session.scalars(_filled_accounts().with_only_columns(Account.organization_id))
    return {seller_id for seller_id in rows if seller_id is not None}


def release_due(*, days: Mapping[UUID, int] | None = None) -> int:
    """Make payable what no seller's reserve needs any more; returns how many were released.

    `days`: for how long each seller's reserve is kept, thirty where it does not say. Once a day
    for each reserve: the day is in the posting's key.
    """
    now = clock.now()
    needed = _needed(now, days or {})
    balances = ledger.lock_balances(
        account(ref.organization_id, ref.currency)
        for ref in _filled(needed)
        if ref.organization_id is not None
        for account in (accounts.reserve, accounts.payable)
    )
    entries = [
        _entry(ref, Money(amount - needed.get(ref, 0), ref.currency), now)
        for ref, amount in balances.items()
        if ref.kind is AccountKind.RESERVE and amount > needed.get(ref, 0)
    ]
    return len(ledger.post_all(entries))


def _needed(now: datetime, days: Mapping[UUID, int]) -> dict[AccountRef, int]:
    """By reserve, what must stay in it, in minor units."""
    return {
        ref: amount
        for period in {RESERVE_DAYS, *days.values()}
        for ref, amount in _kept_since(now - timedelta(days=period)).items()
        if ref.organization_id and days.get(ref.organization_id, RESERVE_DAYS) == period
    }


def _filled(needed: dict[AccountRef, int]) -> list[AccountRef]:
    """The reserves that hold more than they need, before any lock."""
    found = {
        _reserve(row.organization_id, row.currency): row.balance
        for row in db.session.execute(_filled_accounts())
    }
    return [ref for ref, amount in found.items() if amount > needed.get(ref, 0)]


def _filled_accounts() -> Select[UUID | None, str, int | None]:
    return select(Account.organization_id, Account.currency, Account.balance).where(
        Account.kind == AccountKind.RESERVE, Account.balance > 0
    )


def _kept_since(moment: datetime) -> dict[AccountRef, int]:
    """By reserve, what settlements since then kept back, in minor units."""
    reserve = aliased(Account)
    rows = db.session.execute(
        select(reserve.organization_id, reserve.currency, func.sum(Transfer.amount).label("kept"))
        .join(Transfer, Transfer.target_id == reserve.id)
        .join(Posting, Posting.id == Transfer.posting_id)
        .where(
            reserve.kind == AccountKind.RESERVE,
            Posting.reason == Reason.SALE_SETTLED,
            Posting.created_at > moment,
        )
        .group_by(reserve.organization_id, reserve.currency)
    )
    return {_reserve(row.organization_id, row.currency): int(row.kept) for row in rows}


def _reserve(organization_id: UUID, currency: str) -> AccountRef:
    return accounts.reserve(organization_id, Currency(currency))


def _entry(reserve: AccountRef, amount: Money, now: datetime) -> Entry:
    seller_id = reserve.organization_id
    assert seller_id is not None
    return Entry(
        key=f"reserve-{reserve.id}-{now.date().isoformat()}",
        reason=Reason.RESERVE_RELEASED,
        subject=Ref("organization", seller_id),
        moves=(Move(reserve, accounts.payable(seller_id, reserve.currency), amount),),
    )
