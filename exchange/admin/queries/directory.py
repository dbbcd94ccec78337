"""Who is who: organizations with their people and the terms they accepted, and everybody's lots."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from exchange.core.db import db
from exchange.core.pagination import Page, paginate
from exchange.identity.models import Organization, OrganizationStatus, User
from exchange.identity.permissions import OrganizationKind
from exchange.leads.models import Batch, BatchStatus


@dataclass(frozen=True, slots=True)
class Terms:
    """Which terms an organization accepted, when and by whom."""

    version: str
    accepted_at: datetime
    accepted_by: User | None


def organizations(
    *,
    status: OrganizationStatus | None = None,
    kind: OrganizationKind | None = None,
    q: str = "",
    cursor: str | None = None,
) -> Page[Organization]:
    """Organizations, newest first; `q` is a part of a name or of a register number."""
    statement = select(Organization)
    if status:
        statement = statement.where(Organization.status == status)
    if kind:
        statement = statement.where(Organization.kind == kind)
    if q:
        columns = (Organization.name, Organization.trade_name, Organization.register_number)
        named = (column.icontains(q, autoescape=True) for column in columns)
        statement = statement.where(or_(*named))
    return paginate(statement, Organization, cursor=cursor)


def terms_of(organization: Organization) -> Terms | None:
    """What the organization accepted; None for one that the operator made."""
    if organization.terms_version is None or organization.terms_accepted_at is None:
        return None
    accepted_by = db.session.scalar(
        select(User).where(User.id == organization.terms_accepted_by_id)
    )
    return Terms(organization.terms_version, organization.terms_accepted_at, accepted_by)


def people(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of users, by id."""
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    return {row.id: row.name for row in rows}


def batches(*, status: BatchStatus | None = None, cursor: str | None = None) -> Page[Batch]:
    """Everybody's lots, newest first; drafts are their sellers' own."""
    statement = select(Batch).where(Batch.status != BatchStatus.DRAFT)
    if status:
        statement = statement.where(Batch.status == status)
    return paginate(statement, Batch, cursor=cursor)


def names(organization_ids: Collection[UUID]) -> dict[UUID, str]:
    """The trade names of organizations, by id."""
    rows = db.session.execute(
        select(Organization.id, Organization.trade_name).where(
            Organization.id.in_(organization_ids)
        )
    )
    return {row.id: row.trade_name for row in rows}
