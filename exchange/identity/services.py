"""Verbs of admission: sign up, be approved, invite, sign in, hold keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
)
from exchange.core.passwords import (
    code_from,
    hash_password,
    new_token,
    password_matches,
    token_hash,
)
from exchange.core.states import transition
from exchange.identity import queries
from exchange.identity.models import (
    Affiliation,
    ApiKey,
    Invitation,
    InvitationStatus,
    Membership,
    Organization,
    OrganizationStatus,
    SignIn,
    User,
)
from exchange.identity.permissions import (
    PAGES_ONLY,
    OrganizationKind,
    Role,
    permissions_of,
    roles_of,
)

TERMS_VERSION: Final = "2026-11"
INVITATION_DAYS: Final = 14
KEY_DAYS_MAX: Final = 365
HEADS: Final = frozenset({Role.OWNER, Role.ADMIN})  # who may change the others


def sign_up(
    *,
    email: str,
    name: str,
    password: str,
    kind: OrganizationKind,
    organization_name: str,
    trade_name: str,
    country: str,
    register_number: str = "",
    licence: str = "",
    actor: Actor = SYSTEM,
) -> Organization:
    """Make an organization that waits for approval, with its owner. Terms are accepted hereby.

    Raises Invalid when the e-mail or the trade name is taken.
    """
    if kind not in {OrganizationKind.SELLER, OrganizationKind.BUYER}:
        raise Forbidden("Verifiers and staff join by invitation.")
    _require_free_trade_name(trade_name)
    user = _new_user(email=email, name=name, password=password)
    organization = save(
        Organization(
            kind=kind,
            name=organization_name,
            trade_name=trade_name,
            country=country,
            register_number=register_number,
            licence=licence,
            terms_version=TERMS_VERSION,
            terms_accepted_at=clock.now(),
            terms_accepted_by_id=user.id,
        )
    )
    _make_member(user.id, organization.id, Role.OWNER)
    events.record(
        "organization.signed_up",
        subject=organization,
        actor=actor,
        organization_id=organization.id,
        terms_version=TERMS_VERSION,
    )
    return organization


def found_house(
    *, email: str, name: str, password: str, organization_name: str, country: str
) -> Organization:
    """Make the operator's organization and its first admin, once. Raises Conflict after that."""
    if queries.operator() is not None:
        raise Conflict("This exchange has an operator already.")
    user = _new_user(email=email, name=name, password=password)
    organization = save(
        Organization(
            kind=OrganizationKind.OPERATOR,
            status=OrganizationStatus.APPROVED,
            name=organization_name,
            trade_name=organization_name,
            country=country,
        )
    )
    _make_member(user.id, organization.id, Role.ADMIN)
    events.record("organization.founded", subject=organization, actor=SYSTEM)
    return organization


def founding_code(secret_key: str) -> str:
    """What lets its holder found an empty house; it is worth nothing once there is an operator."""
    return code_from(secret_key, purpose="found the house")


def add_verification_organization(*, name: str, country: str, actor: Actor) -> Organization:
    """Make an approved organization of verifiers, for the operator. Raises Invalid: name taken."""
    _require_free_trade_name(name)
    organization = save(
        Organization(
            kind=OrganizationKind.VERIFICATION,
            status=OrganizationStatus.APPROVED,
            name=name,
            trade_name=name,
            country=country,
        )
    )
    events.record("organization.added", subject=organization, actor=actor)
    return organization


def approve_organization(*, organization_id: UUID, actor: Actor) -> Organization:
    """Let an organization trade, for the first time or again after a suspension."""
    organization = lock(Organization, organization_id)
    organization.status_reason = ""
    transition(organization, OrganizationStatus.APPROVED, actor=actor)
    return organization


def suspend_organization(*, organization_id: UUID, reason: str, actor: Actor) -> Organization:
    """Stop an organization's trade; its money stays where it is."""
    organization = lock(Organization, organization_id)
    organization.status_reason = reason
    transition(organization, OrganizationStatus.SUSPENDED, actor=actor, reason=reason)
    return organization


def require_approved(organization_id: UUID | None) -> Organization:
    """The organization, if it may trade. Raises Forbidden with what is missing."""
    if organization_id is None:
        raise Forbidden("Only an organization can do this.")
    organization = get(Organization, organization_id)
    if not organization.is_approved:
        raise Forbidden(
            f"Your organization is {organization.status}. It can trade once it is approved.",
            code="not_approved",
        )
    return organization


def sign_in(*, email: str, password: str) -> str:
    """The token of a new sign-in. Raises Unauthenticated, the same for all that can be wrong."""
    user = queries.find_user(email)
    is_right = password_matches(user.password_hash if user else None, password)
    memberships = queries.memberships_of(user.id) if user and is_right else ()
    if user is None or not memberships:
        raise Unauthenticated("The e-mail or the password is not right.", code="wrong_password")
    return _start_sign_in(user.id, memberships[0])


def switch_membership(*, sign_in_id: UUID, membership_id: UUID, actor: Actor) -> None:
    """Act for another organization of the same user. Raises NotFound for one that is not theirs."""
    current = lock(SignIn, sign_in_id)
    membership = get(Membership, membership_id)
    if membership.user_id != current.user_id:
        raise NotFound
    current.membership_id = membership.id
    events.record("sign_in.switched", subject=current, actor=actor)


def sign_out(*, sign_in_id: UUID, actor: Actor) -> None:
    """End this sign-in; the browser's token is worth nothing from now on."""
    current = lock(SignIn, sign_in_id)
    current.ended_at = clock.now()
    events.record("sign_in.ended", subject=current, actor=actor)


def invite(*, organization_id: UUID, role: Role, note: str, actor: Actor) -> tuple[Invitation, str]:
    """An invitation and the token of its link, which is known now and never again."""
    organization = get(Organization, organization_id)
    if role not in roles_of(organization.kind):
        raise Invalid(errors=(FieldProblem("/role", "value_not_allowed", "Choose a listed role."),))
    assert actor.id is not None
    token = new_token()
    invitation = save(
        Invitation(
            organization_id=organization.id,
            role=role,
            note=note,
            token_hash=token_hash(token),
            expires_at=clock.now() + timedelta(days=INVITATION_DAYS),
            invited_by_id=actor.id,
        )
    )
    events.record("invitation.made", subject=invitation, actor=actor, role=role)
    return invitation, token


def accept_invitation(*, token: str, email: str, name: str, password: str) -> str:
    """Join the organization and sign in; a known user proves the password. Used once."""
    invitation = lock(Invitation, queries.get_open_invitation(token, at=clock.now()).id)
    user = queries.find_user(email)
    if user is None:
        user = _new_user(email=email, name=name, password=password)
    elif not password_matches(user.password_hash, password):
        raise Unauthenticated("The e-mail or the password is not right.", code="wrong_password")
    membership = _join(user, invitation)
    actor = Actor("user", user.id, invitation.organization_id)
    transition(invitation, InvitationStatus.ACCEPTED, actor=actor)
    return _start_sign_in(user.id, membership)


def revoke_invitation(*, invitation_id: UUID, actor: Actor) -> None:
    """Take an invitation back. Raises NotFound for another organization's."""
    invitation = lock(Invitation, invitation_id)
    if invitation.organization_id != actor.organization_id:
        raise NotFound
    transition(invitation, InvitationStatus.REVOKED, actor=actor)


def create_key(
    *, organization_id: UUID, name: str, scopes: list[str], prefix: str, days: int, actor: Actor
) -> tuple[ApiKey, str]:
    """A key and its token, which is known now and never again.

    Raises Invalid for scopes that the maker does not hold or that keys never have.
    """
    allowed = actor.permissions - PAGES_ONLY
    if not scopes or not set(scopes) <= allowed:
        problem = FieldProblem("/scopes", "value_not_allowed", "Choose scopes that you hold.")
        raise Invalid(errors=(problem,))
    assert actor.id is not None
    token = new_token(prefix)
    key = save(
        ApiKey(
            organization_id=organization_id,
            created_by_id=actor.id,
            name=name,
            token_hash=token_hash(token),
            hint=token[: len(prefix) + 4],
            scopes=sorted(scopes),
            expires_at=clock.now() + timedelta(days=min(days, KEY_DAYS_MAX)),
        )
    )
    events.record("api_key.made", subject=key, actor=actor, scopes=key.scopes)
    return key, token


def revoke_key(*, key_id: UUID, actor: Actor) -> None:
    """End a key at once. Raises NotFound for another organization's."""
    assert actor.organization_id is not None
    key = queries.get_api_key(key_id, viewer=actor.organization_id)
    key.revoked_at = clock.now()
    events.record("api_key.revoked", subject=key, actor=actor)


def change_role(*, membership_id: UUID, role: Role, actor: Actor) -> Membership:
    """Give a colleague another role, from the next request on.

    Raises NotFound for another organization's member, Conflict for oneself, Invalid for a role
    that this kind of organization has not.
    """
    membership = _colleague(membership_id, actor)
    organization = get(Organization, membership.organization_id)
    if role not in roles_of(organization.kind):
        raise Invalid(errors=(FieldProblem("/role", "value_not_allowed", "Choose a listed role."),))
    before, membership.role = membership.role, role
    events.record("membership.changed", subject=membership, actor=actor, before=before, role=role)
    return membership


def remove_member(*, membership_id: UUID, actor: Actor) -> None:
    """End a membership and every sign-in that acts by it; keys of that maker are worth nothing.

    Raises as `change_role` does.
    """
    membership = _colleague(membership_id, actor)
    member = str(membership.user_id)
    events.record("membership.ended", subject=membership, actor=actor, member=member)
    db.session.execute(delete(SignIn).where(SignIn.membership_id == membership.id))
    db.session.delete(membership)


def change_password(
    *, user_id: UUID, current: str, password: str, sign_in_id: UUID, actor: Actor
) -> None:
    """Set a new password and end every other sign-in of the user. Raises Invalid: wrong one."""
    user = lock(User, user_id)
    if not password_matches(user.password_hash, current):
        problem = FieldProblem("/current", "wrong_password", "This is not your present password.")
        raise Invalid(errors=(problem,))
    user.password_hash = hash_password(password)
    others = (SignIn.user_id == user.id, SignIn.id != sign_in_id, SignIn.ended_at.is_(None))
    db.session.execute(update(SignIn).where(*others).values(ended_at=clock.now()))
    events.record("user.password_changed", subject=user, actor=actor)


def set_preferences(
    *, user_id: UUID, locale: str, timezone: str, single_keys: bool, actor: Actor
) -> None:
    """Remember how a user reads: language, time zone, and whether single keys act."""
    user = lock(User, user_id)
    user.locale, user.timezone, user.single_keys = locale, timezone, single_keys
    events.record("user.preferences_set", subject=user, actor=actor)


def set_locale(*, user_id: UUID, locale: str, actor: Actor) -> None:
    """Remember the language of a user."""
    db.session.execute(update(User).where(User.id == user_id).values(locale=locale))
    events.record("user.locale_set", subject=get(User, user_id), actor=actor, locale=locale)


def add_member(*, email: str, name: str, password: str, organization_id: UUID, role: Role) -> User:
    """Make a user with a role, for commands and the demo. Raises Invalid for an unfit role."""
    organization = get(Organization, organization_id)
    if not permissions_of(organization.kind, role):
        raise Invalid(f"A {organization.kind} organization has no {role}.")
    user = queries.find_user(email) or _new_user(email=email, name=name, password=password)
    _make_member(user.id, organization.id, role)
    events.record("membership.made", subject=organization, actor=SYSTEM, role=role)
    return user


def _colleague(membership_id: UUID, actor: Actor) -> Membership:
    """Another member of the actor's organization, locked.

    Nobody changes their own membership, so whoever leads remains; the organization's row makes
    two leaders who demote each other wait, and the second is no leader any more.
    """
    assert actor.organization_id is not None
    organization = lock(Organization, actor.organization_id)
    membership = lock(Membership, membership_id)
    if membership.organization_id != organization.id:
        raise NotFound
    if membership.user_id == actor.id:
        raise Conflict("Ask a colleague to change your own membership.")
    present = db.session.scalar(
        select(Membership.role).filter_by(user_id=actor.id, organization_id=organization.id)
    )
    if present not in HEADS:
        raise Conflict("Your own role was changed a moment ago.")
    return membership


def _join(user: User, invitation: Invitation) -> Membership:
    if invitation.organization_id in {m.organization_id for m in queries.memberships_of(user.id)}:
        raise Conflict("You belong to this organization already. Sign in as usual.")
    return _make_member(user.id, invitation.organization_id, invitation.role)


def _make_member(user_id: UUID, organization_id: UUID, role: Role) -> Membership:
    """A membership; that there was one is known for ever."""
    who = {"user_id": user_id, "organization_id": organization_id}
    db.session.merge(Affiliation(**who))  # of who comes back it stands there already
    return save(Membership(**who, role=role))


def _start_sign_in(user_id: UUID, membership: Membership) -> str:
    token = new_token()
    started = save(
        SignIn(token_hash=token_hash(token), user_id=user_id, membership_id=membership.id)
    )
    actor = Actor("user", user_id, membership.organization_id)
    events.record("sign_in.started", subject=started, actor=actor)
    return token


def _new_user(*, email: str, name: str, password: str) -> User:
    if queries.find_user(email) is not None:
        problem = FieldProblem("/email", "taken", "Somebody signed up with this e-mail already.")
        raise Invalid(errors=(problem,))
    return save(User(email=email.strip().lower(), name=name, password_hash=hash_password(password)))


def _require_free_trade_name(trade_name: str) -> None:
    taken = db.session.query(Organization.id).filter_by(trade_name=trade_name).first()
    if taken:
        problem = FieldProblem("/trade_name", "taken", "This trade name is taken. Choose another.")
        raise Invalid(errors=(problem,))
