"""The control room: what needs a decision or a hand, how many, and since when the oldest waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from exchange.billing.models import (
    ChainLink,
    InboundEvent,
    InboundStatus,
    Payout,
    PayoutStatus,
    Posting,
)
from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.db import db
from exchange.fulfillment.models import Delivery, DeliveryStatus, LeadReturn, ReturnStatus
from exchange.identity.models import Membership, Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind, Permission, Role, permissions_of
from exchange.leads.models import Batch, BatchStatus
from exchange.verification.models import Draw, DrawStatus

UNSEALED: Final = timedelta(seconds=60)  # decision 42: an older posting without its link is a fault
LATE: Final = timedelta(minutes=10)  # beyond it no sweep has taken what was due
TRADERS: Final = frozenset({OrganizationKind.SELLER, OrganizationKind.BUYER})
WAITING_RETURNS: Final = (ReturnStatus.REQUESTED, ReturnStatus.IN_RECHECK, ReturnStatus.CONTESTED)
Conditions = tuple[ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of thing that waits."""

    name: str
    count: int
    oldest: datetime | None
    is_fault: bool  # it should never wait at all


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What a new house has done of what it needs before anybody can trade."""

    has_vertical: bool
    has_verifier: bool
    has_traders: bool

    @property
    def are_done(self) -> bool:
        """Whether nothing of it is left."""
        return self.has_vertical and self.has_verifier and self.has_traders


def waiting() -> list[Waiting]:
    """What needs a decision, then what should never wait at all."""
    decisions = [
        Waiting(name, *_count(moment, *where), is_fault=False)
        for name, moment, *where in _decisions()
    ]
    faults = [
        Waiting(name, *_count(moment, *where), is_fault=True) for name, moment, *where in _faults()
    ]
    return [*decisions, *faults, _late_jobs()]


def first_steps() -> FirstSteps:
    """How far a new house is."""
    kinds = select(Organization.kind).where(Organization.kind.in_(TRADERS)).distinct()
    verifier = select(Membership.id).where(Membership.role.in_(_roles_with(Permission.TASK_WORK)))
    return FirstSteps(
        has_vertical=bool(catalog.verticals(with_paused=True)),
        has_verifier=db.session.scalar(verifier.limit(1)) is not None,
        has_traders=set(db.session.scalars(kinds)) == TRADERS,
    )


def staff_of_money() -> int:
    """How many of the operator's people may act on money: four eyes need two (decision 20)."""
    statement = (
        select(func.count(Membership.user_id.distinct()))
        .join(Organization, Organization.id == Membership.organization_id)
        .where(
            Organization.kind == OrganizationKind.OPERATOR,
            Membership.role.in_(_roles_with(Permission.LEDGER_READ)),
        )
    )
    return db.session.scalar(statement) or 0


def _decisions() -> Iterator[tuple[Any, ...]]:  # Any: columns of several tables
    pending = Organization.status == OrganizationStatus.PENDING
    yield "organizations", Organization.created_at, pending
    yield "returns", LeadReturn.created_at, LeadReturn.status.in_(WAITING_RETURNS)
    decided = func.coalesce(Batch.decided_at, Batch.created_at)
    yield "batches", decided, Batch.status == BatchStatus.UNDECIDED
    yield "payouts", Payout.created_at, Payout.status == PayoutStatus.HELD


def _faults() -> Iterator[tuple[Any, ...]]:  # Any: as above
    failed = InboundEvent.status == InboundStatus.FAILED
    yield "inbound", InboundEvent.created_at, failed
    linked = select(ChainLink.seq).where(ChainLink.posting_id == Posting.id).exists()
    old = Posting.created_at < clock.now() - UNSEALED
    yield "unsealed", Posting.created_at, old, ~linked


def _late_jobs() -> Waiting:
    """What a job or a sweep should have taken long ago, over all kinds of work."""
    found = [_count(moment, *where) for moment, *where in _overdue(clock.now() - LATE)]
    oldest = min((moment for _, moment in found if moment), default=None)
    return Waiting("jobs", sum(count for count, _ in found), oldest, is_fault=True)


def _overdue(limit: datetime) -> Iterator[tuple[Any, ...]]:  # Any: as above
    pending = Delivery.status == DeliveryStatus.PENDING
    yield Delivery.created_at, pending, Delivery.created_at < limit
    releasable = Payout.status == PayoutStatus.RELEASABLE
    yield Payout.next_attempt_at, releasable, Payout.next_attempt_at < limit
    received = InboundEvent.status == InboundStatus.RECEIVED
    yield InboundEvent.next_attempt_at, received, InboundEvent.next_attempt_at < limit
    yield Draw.nonce_until, Draw.status == DrawStatus.ROOTED, Draw.nonce_until < limit


def _count(moment: Any, *where: Any) -> tuple[int, datetime | None]:  # Any: columns, conditions
    row = db.session.execute(select(func.count(), func.min(moment)).where(*where)).one()
    return row[0], row[1]


def _roles_with(permission: Permission) -> list[Role]:
    kinds = OrganizationKind
    return [r for r in Role if any(permission in permissions_of(kind, r) for kind in kinds)]
