"""Tables of people and organizations. An organization trades only while it is approved."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.core.db import Model, Record, enum_column
from exchange.core.states import Graph
from exchange.identity.permissions import OrganizationKind, Role


class OrganizationStatus(StrEnum):
    PENDING = "pending"  # may look, dry-run an import, draft; trades nothing
    APPROVED = "approved"
    SUSPENDED = "suspended"  # money stays, nothing trades
    CLOSED = "closed"


class Organization(Record):
    """A company; parties know each other by the trade name only (decision 1)."""

    KIND, PREFIX = "organization", "org"
    __table_args__ = (Index("ix_organization_register_key", text("register_key(register_number)")),)
    TRANSITIONS: ClassVar[Graph] = {
        OrganizationStatus.PENDING: {OrganizationStatus.APPROVED, OrganizationStatus.CLOSED},
        OrganizationStatus.APPROVED: {OrganizationStatus.SUSPENDED, OrganizationStatus.CLOSED},
        OrganizationStatus.SUSPENDED: {OrganizationStatus.APPROVED, OrganizationStatus.CLOSED},
        OrganizationStatus.CLOSED: set(),
    }

    kind: Mapped[OrganizationKind] = mapped_column(enum_column(OrganizationKind))
    status: Mapped[OrganizationStatus] = mapped_column(
        enum_column(OrganizationStatus), default=OrganizationStatus.PENDING
    )
    name: Mapped[str]  # the legal name, seen by the operator and in invoices
    trade_name: Mapped[str] = mapped_column(unique=True)  # what the other side sees
    country: Mapped[str] = mapped_column(String(2))
    register_number: Mapped[str] = mapped_column(default="")
    licence: Mapped[str] = mapped_column(default="")
    terms_version: Mapped[str | None]
    terms_accepted_at: Mapped[datetime | None]
    terms_accepted_by_id: Mapped[UUID | None]  # a user; no foreign key, the two refer to each other
    status_reason: Mapped[str] = mapped_column(default="")
    is_demo: Mapped[bool] = mapped_column(default=False)  # fictional phone ranges are allowed

    @property
    def is_approved(self) -> bool:
        """Whether the organization may trade."""
        return self.status is OrganizationStatus.APPROVED


class User(Record):
    """A person with a password; what they may do hangs on their memberships."""

    KIND, PREFIX = "user", "usr"

    email: Mapped[str] = mapped_column(unique=True)  # lower case
    name: Mapped[str]
    password_hash: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en")
    timezone: Mapped[str] = mapped_column(default="UTC")
    single_keys: Mapped[bool] = mapped_column(default=True)  # single-letter shortcuts, WCAG 2.1.4

    memberships: Mapped[list[Membership]] = relationship(back_populates="user", lazy="raise")


class Membership(Record):
    """One user in one organization, with one role."""

    KIND, PREFIX = "membership", "mem"
    __table_args__ = (UniqueConstraint("user_id", "organization_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    role: Mapped[Role] = mapped_column(enum_column(Role))

    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")


class Affiliation(Model):
    """That a user belongs or ever belonged to an organization; it outlives the membership.

    The application adds rows and takes none away: nobody trades with an organization of his own.
    """

    __tablename__ = "affiliation"
    __table_args__ = (Index(None, "organization_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(server_default=func.exchange_now())


class SignIn(Record):
    """One browser that is signed in; ending the row ends the session at once."""

    KIND, PREFIX = "sign_in", "sin"

    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("membership.id"))  # acting for
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.exchange_now())
    ended_at: Mapped[datetime | None]


class InvitationStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"


class Invitation(Record):
    """A link that lets one person join an organization; the link itself is shown once."""

    KIND, PREFIX = "invitation", "inv"
    TRANSITIONS: ClassVar[Graph] = {
        InvitationStatus.OPEN: {InvitationStatus.ACCEPTED, InvitationStatus.REVOKED},
        InvitationStatus.ACCEPTED: set(),
        InvitationStatus.REVOKED: set(),
    }

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    role: Mapped[Role] = mapped_column(enum_column(Role))
    note: Mapped[str] = mapped_column(default="")  # for whom, in the inviter's words
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    status: Mapped[InvitationStatus] = mapped_column(
        enum_column(InvitationStatus), default=InvitationStatus.OPEN
    )
    invited_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))


class ApiKey(Record):
    """A secret that lets a program act for one organization, within named scopes."""

    KIND, PREFIX = "api_key", "key"
    __table_args__ = (Index(None, "organization_id", "revoked_at"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    created_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]  # the first letters, so that its owner can tell keys apart
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
