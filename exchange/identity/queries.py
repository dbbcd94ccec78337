"""Questions about people and organizations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.orm import joinedload

from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.pagination import Page, paginate
from exchange.core.passwords import token_hash
from exchange.identity.models import (
    ApiKey,
    Invitation,
    InvitationStatus,
    Membership,
    Organization,
    OrganizationStatus,
    SignIn,
    User,
)
from exchange.identity.permissions import OrganizationKind, Role

# Asked at every request of a program, so it is put together once.
_KEY: Final = (
    select(
        ApiKey.id,
        ApiKey.scopes,
        ApiKey.expires_at,
        Membership.role,
        Organization,
        func.exchange_now().label("at"),
    )
    .join(
        Membership,
        (Membership.user_id == ApiKey.created_by_id)
        & (Membership.organization_id == ApiKey.organization_id),
    )
    .join(Organization, Organization.id == ApiKey.organization_id)
    .where(ApiKey.token_hash == bindparam("token_hash"), ApiKey.revoked_at.is_(None))
)

# Asked by every search and purchase: built once.
_RELATIVES: Final = text(
    """
    SELECT theirs.organization_id
      FROM affiliation AS ours JOIN affiliation AS theirs ON theirs.user_id = ours.user_id
     WHERE ours.organization_id = :id
     UNION
    SELECT other.id
      FROM organization AS own
      JOIN organization AS other
        ON register_key(other.register_number) = register_key(own.register_number)
       AND other.country = own.country
     WHERE own.id = :id AND other.status <> 'pending'
    """
).bindparams(bindparam("id", type_=Uuid))


@dataclass(frozen=True, slots=True)
class KeyHeld:
    """An API key that works, and for whom."""

    id: UUID
    scopes: frozenset[str]
    role: Role  # its maker's
    organization: Organization


def find_user(email: str) -> User | None:
    """The user with this e-mail, in any case of letters."""
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


def memberships_of(user_id: UUID) -> Sequence[Membership]:
    """The organizations that a user may act for, oldest first."""
    statement = select(Membership).where(Membership.user_id == user_id).order_by(Membership.id)
    return db.session.scalars(statement.options(joinedload(Membership.organization))).all()


def find_sign_in(token: str) -> tuple[SignIn, Membership, User, Organization] | None:
    """The sign-in behind a browser's token and whom it acts for, unless it was ended."""
    row = db.session.execute(
        select(SignIn, Membership, User, Organization)
        .join(Membership, Membership.id == SignIn.membership_id)
        .join(User, User.id == SignIn.user_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(SignIn.token_hash == token_hash(token), SignIn.ended_at.is_(None))
    ).one_or_none()
    return None if row is None else (row[0], row[1], row[2], row[3])


def sign_ins(user_id: UUID) -> Sequence[SignIn]:
    """The browsers in which a user is signed in, newest first."""
    statement = select(SignIn).where(SignIn.user_id == user_id, SignIn.ended_at.is_(None))
    return db.session.scalars(statement.order_by(SignIn.id.desc())).all()


def find_key(token: str) -> KeyHeld | None:
    """The API key behind a token with its maker's role; None once revoked or expired.

    The moment that it is judged by is the time of this unit of work.
    """
    row = db.session.execute(_KEY, {"token_hash": token_hash(token)}).one_or_none()
    if row is None:
        return None
    clock.it_is(row.at)
    if row.expires_at <= clock.now():
        return None
    return KeyHeld(row.id, frozenset(row.scopes), row.role, row.Organization)


def get_open_invitation(token: str, *, at: datetime) -> Invitation:
    """The invitation behind a link that still holds. Raises NotFound."""
    invitation = db.session.scalar(
        select(Invitation).where(
            Invitation.token_hash == token_hash(token),
            Invitation.status == InvitationStatus.OPEN,
            Invitation.expires_at > at,
        )
    )
    if invitation is None:
        raise NotFound("This invitation was used, taken back or has expired. Ask for a new one.")
    return invitation


def team(organization_id: UUID) -> Sequence[Membership]:
    """The members of an organization, oldest first."""
    statement = select(Membership).where(Membership.organization_id == organization_id)
    return db.session.scalars(
        statement.options(joinedload(Membership.user)).order_by(Membership.id)
    ).all()


def open_invitations(organization_id: UUID, *, at: datetime) -> Sequence[Invitation]:
    """Invitations that still hold, newest first."""
    statement = select(Invitation).where(
        Invitation.organization_id == organization_id,
        Invitation.status == InvitationStatus.OPEN,
        Invitation.expires_at > at,
    )
    return db.session.scalars(statement.order_by(Invitation.id.desc())).all()


def api_keys(organization_id: UUID) -> Sequence[ApiKey]:
    """The keys of an organization that are not revoked, newest first."""
    statement = select(ApiKey).where(
        ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None)
    )
    return db.session.scalars(statement.order_by(ApiKey.id.desc())).all()


def get_api_key(key_id: UUID, *, viewer: UUID) -> ApiKey:
    """A key of the viewer's organization. Raises NotFound."""
    key = db.session.scalar(
        select(ApiKey).where(ApiKey.id == key_id, ApiKey.organization_id == viewer)
    )
    if key is None:
        raise NotFound
    return key


def organizations(
    *,
    status: OrganizationStatus | None = None,
    kind: OrganizationKind | None = None,
    cursor: str | None = None,
) -> Page[Organization]:
    """Organizations for the operator, newest first."""
    statement = select(Organization)
    if status:
        statement = statement.where(Organization.status == status)
    if kind:
        statement = statement.where(Organization.kind == kind)
    return paginate(statement, Organization, cursor=cursor)


def relatives(organization_id: UUID) -> frozenset[UUID]:
    """The organization itself and all that are no strangers to it: with them it does not trade.

    That is whoever shares a member with it, or ever did, and whoever stands under the same number
    in the register of the same country. Who waits for approval could claim any number.
    """
    found = db.session.scalars(_RELATIVES, {"id": organization_id})
    return frozenset(found) | {organization_id}


def operator() -> Organization | None:
    """The operator's own organization; None in a house that nobody has moved into."""
    return db.session.scalar(
        select(Organization).where(Organization.kind == OrganizationKind.OPERATOR)
    )
