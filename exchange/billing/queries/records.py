"""Top-ups, payouts, holds, rates, and what the books say of one sale."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from exchange.billing.models import (
    Account,
    AccountKind,
    CommissionRate,
    Hold,
    HoldStatus,
    Payout,
    PayoutAccount,
    Posting,
    Reason,
    TopUp,
    Transfer,
)
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.events import Ref
from exchange.core.pagination import LIMIT, Page, paginate

# What the exchange keeps of a settled sale where no rate was set for the scope.
COMMISSION_BPS: Final = 1_500


@dataclass(frozen=True, slots=True)
class SaleHistory:
    """What was posted about one sale so far, in minor units."""

    is_settled: bool = False
    settled: int = 0  # what left `pending` at the settlement
    commission: int = 0  # of that, to the exchange
    commission_back: int = 0
    reversed: int = 0  # brought back to `pending` after the settlement, to be refunded
    refunded: int = 0  # to the buyer, before and after the settlement


def get_top_up(top_up_id: UUID, *, viewer: UUID) -> TopUp:
    """A top-up of the viewer's organization. Raises NotFound."""
    found = db.session.scalar(
        select(TopUp).where(TopUp.id == top_up_id, TopUp.organization_id == viewer)
    )
    if found is None:
        raise NotFound
    return found


def top_ups(organization_id: UUID, *, cursor: str | None = None, limit: int = LIMIT) -> Page[TopUp]:
    """The top-ups of an organization, newest first."""
    wanted = select(TopUp).where(TopUp.organization_id == organization_id)
    return paginate(wanted, TopUp, cursor=cursor, limit=limit)


def get_payout(payout_id: UUID, *, viewer: UUID) -> Payout:
    """A payout of the viewer's organization. Raises NotFound."""
    found = db.session.scalar(
        select(Payout).where(Payout.id == payout_id, Payout.organization_id == viewer)
    )
    if found is None:
        raise NotFound
    return found


def payouts(
    organization_id: UUID, *, cursor: str | None = None, limit: int = LIMIT
) -> Page[Payout]:
    """The payouts of an organization, newest first."""
    wanted = select(Payout).where(Payout.organization_id == organization_id)
    return paginate(wanted, Payout, cursor=cursor, limit=limit)


def find_payout_account(organization_id: UUID) -> PayoutAccount | None:
    """Where the payouts of an organization go, if it said so."""
    return db.session.scalar(
        select(PayoutAccount).where(PayoutAccount.organization_id == organization_id)
    )


def holds_of(organization_id: UUID, *, cursor: str | None = None) -> Page[Hold]:
    """The active holds of a buyer, newest first."""
    wanted = select(Hold).where(
        Hold.organization_id == organization_id, Hold.status == HoldStatus.ACTIVE
    )
    return paginate(wanted, Hold, cursor=cursor)


def commission_bps(scope: str, at: datetime) -> int:
    """The exchange's share of a sale in this scope at that moment, in basis points."""
    rate = db.session.scalar(
        select(CommissionRate.bps)
        .where(CommissionRate.scope == scope, CommissionRate.effective_from <= at)
        .order_by(CommissionRate.effective_from.desc(), CommissionRate.id.desc())
        .limit(1)
    )
    return COMMISSION_BPS if rate is None else rate


def sale_histories(refs: Collection[Ref]) -> dict[Ref, SaleHistory]:
    """What was posted about each of these sales; all of them are of one kind."""
    if not refs:
        return {}
    source, target = aliased(Account), aliased(Account)
    rows = db.session.execute(
        select(
            Posting.subject_kind,
            Posting.subject_id,
            Posting.reason,
            source.kind.label("source"),
            target.kind.label("target"),
            func.sum(Transfer.amount).label("amount"),
        )
        .join(Transfer, Transfer.posting_id == Posting.id)
        .join(source, source.id == Transfer.source_id)
        .join(target, target.id == Transfer.target_id)
        .where(
            Posting.subject_kind.in_({ref.kind for ref in refs}),
            Posting.subject_id.in_([ref.id for ref in refs]),
            Posting.reason.in_((Reason.SALE_SETTLED, Reason.SALE_REVERSED, Reason.REFUNDED)),
        )
        .group_by(Posting.subject_kind, Posting.subject_id, Posting.reason, "source", "target")
    )
    found: dict[Ref, list[_Sum]] = {ref: [] for ref in refs}
    for row in rows:
        place = Ref(row.subject_kind, row.subject_id)
        found[place].append(_Sum(row.reason, row.source, row.target, int(row.amount)))
    return {ref: _history(sums) for ref, sums in found.items()}


@dataclass(frozen=True, slots=True)
class _Sum:
    reason: Reason
    source: AccountKind
    target: AccountKind
    amount: int


def _history(sums: Sequence[_Sum]) -> SaleHistory:
    settled = [s for s in sums if s.reason is Reason.SALE_SETTLED and s.source is _PENDING]
    back = [s for s in sums if s.reason is Reason.SALE_REVERSED]
    return SaleHistory(
        is_settled=bool(settled),
        settled=sum(s.amount for s in settled),
        commission=sum(s.amount for s in settled if s.target is _COMMISSION),
        commission_back=sum(s.amount for s in back if s.source is _COMMISSION),
        reversed=sum(s.amount for s in back),
        refunded=sum(s.amount for s in sums if s.reason is Reason.REFUNDED),
    )


_PENDING, _COMMISSION = AccountKind.PENDING, AccountKind.COMMISSION
