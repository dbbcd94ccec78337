"""The current actor, and the permission that every door declares.

A browser is known by its sign-in row, a program by its key; both are read anew at each request,
so that a role or a key taken away takes effect at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from flask import Flask, Request, g, request
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user

from exchange.core.actors import Actor
from exchange.core.errors import NotFound, Unauthenticated
from exchange.identity import queries
from exchange.identity.models import Membership, Organization, SignIn, User
from exchange.identity.permissions import PAGES_ONLY, Permission, permissions_of

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]
NOBODY = Actor(kind="nobody")
login_manager = LoginManager()


@dataclass(slots=True)
class SignedIn:
    """What Flask-Login holds: a browser's sign-in and whom it acts for."""

    token: str
    sign_in: SignIn
    membership: Membership
    user: User
    organization: Organization
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """The browser's token: the session cookie holds nothing else."""
        return self.token


def requires(*permissions: Permission) -> Callable[[Callable[P, ResponseReturnValue]], View[P]]:
    """Let only holders of the permission in; strangers see what they would see of nothing.

    A door of both sides names the permission of each: one of them is enough.
    """

    def declare(view: Callable[P, ResponseReturnValue]) -> View[P]:
        @wraps(view)
        def door(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            who = actor()
            if who is NOBODY:
                raise Unauthenticated
            if who.permissions.isdisjoint(permissions):
                raise NotFound
            return view(*args, **kwargs)

        door.__dict__["permission"] = permissions[0] if len(permissions) == 1 else permissions
        return door

    return declare


def public(view: Callable[P, ResponseReturnValue]) -> View[P]:
    """Declare that anybody may come in."""
    view.__dict__["permission"] = None
    return view


def actor() -> Actor:
    """Who is acting in this request; NOBODY when nobody is signed in."""
    if "actor" not in g:
        g.actor = _actor_of_request()
    who: Actor = g.actor
    return who


def signed_in() -> SignedIn | None:
    """The browser's sign-in, None for programs and strangers."""
    if request.path.startswith("/api/"):
        return None
    user = current_user._get_current_object()  # noqa: SLF001  # the documented way to unwrap
    return user if isinstance(user, SignedIn) else None


def organization() -> Organization:
    """The organization that the actor acts for. Raises Unauthenticated without one."""
    actor()
    found: Organization | None = g.get("organization")
    if found is None:
        raise Unauthenticated
    return found


def start_session(token: str) -> None:
    """Remember the sign-in in the browser's cookie."""
    found = _load_sign_in(token)
    assert found is not None
    login_user(found)
    g.pop("actor", None)


def init_app(app: Flask) -> None:
    """Teach Flask-Login how a browser's token becomes a sign-in."""
    login_manager.user_loader(_load_sign_in)
    login_manager.init_app(app)


def _load_sign_in(token: str) -> SignedIn | None:
    found = queries.find_sign_in(token)
    return None if found is None else SignedIn(token, *found)


def _actor_of_request() -> Actor:
    if request.path.startswith("/api/"):
        return _actor_of_key(request)
    found = signed_in()
    if found is None:
        return NOBODY
    g.organization = found.organization
    permissions = permissions_of(found.organization.kind, found.membership.role)
    return Actor("user", found.user.id, found.organization.id, frozenset(permissions))


def _actor_of_key(sent: Request) -> Actor:
    kind, _, token = sent.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        return NOBODY
    found = queries.find_key(token.strip())
    if found is None:
        raise Unauthenticated("This key is unknown, revoked or expired.", code="key_unknown")
    g.organization = found.organization
    # A key never has more than its maker has now.
    held = permissions_of(found.organization.kind, found.role) - PAGES_ONLY
    return Actor("key", found.id, found.organization.id, found.scopes & held)
