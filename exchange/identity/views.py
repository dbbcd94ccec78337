"""Doors of admission: found the house, sign in, sign up, invitations, team, keys, own settings."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import logout_user

from exchange.core import clock
from exchange.core.clock import InstanceKind
from exchange.core.db import get, parse_id
from exchange.core.errors import FieldProblem, Invalid, NotFound
from exchange.core.limits import limiter
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity import queries, services, words
from exchange.identity.access import (
    actor,
    organization,
    public,
    requires,
    signed_in,
    start_session,
)
from exchange.identity.models import ApiKey, Invitation, Membership, Organization
from exchange.identity.permissions import PAGES_ONLY, OrganizationKind, Permission, roles_of
from exchange.identity.schemas import (
    FoundForm,
    InvitationForm,
    KeyForm,
    LanguageForm,
    MembershipForm,
    PasswordForm,
    PersonForm,
    PreferencesForm,
    RoleForm,
    SignInForm,
    SignUpForm,
)

blueprint = Blueprint("identity", __name__)
LOCALE_SECONDS: Final = 31_536_000  # a year

HOMES: Final = {
    OrganizationKind.SELLER: "sellers.home",
    OrganizationKind.BUYER: "buyers.home",
    OrganizationKind.VERIFICATION: "verification.start",
    OrganizationKind.OPERATOR: "admin.home",
}


@blueprint.get("/")
@public
def index() -> ResponseReturnValue:
    """Lead everybody home: each role to its own, strangers to the sign-in or an empty house."""
    seen = signed_in()
    if seen is None:
        is_empty = queries.operator() is None
        return redirect(url_for("identity.found" if is_empty else "identity.sign_in"), code=303)
    # The operator's own verifiers have the home of verifiers.
    works = Permission.TASK_WORK in actor().permissions
    kind = OrganizationKind.VERIFICATION if works else seen.organization.kind
    return redirect(url_for(HOMES[kind]), code=303)


@blueprint.get("/found")
@public
def found() -> Response:
    """The first page of an empty house; it is gone once there is an operator."""
    if queries.operator() is not None:
        raise NotFound
    return render("identity/found.html")


@blueprint.post("/found")
@public
@limiter.limit("10 per minute; 50 per hour")
@again_with_errors(found)
def found_house() -> ResponseReturnValue:
    form = load_form(FoundForm())
    code = services.founding_code(str(current_app.config["SECRET_KEY"]))
    if not hmac.compare_digest(form.pop("code").strip().upper().encode(), code.encode()):
        problem = FieldProblem("/code", "wrong_code", _("This is not the code of this house."))
        raise Invalid(errors=(problem,))
    services.found_house(**form)
    start_session(services.sign_in(email=form["email"], password=form["password"]))
    return see_other("identity.index", toast=_("The house is yours. Begin with the list below."))


@blueprint.get("/sign-in")
@public
def sign_in() -> Response:
    return render("identity/sign_in.html", next=_local(request.args.get("next", "")))


@blueprint.post("/sign-in")
@public
@limiter.limit("10 per minute; 100 per hour")
@again_with_errors(sign_in)
def start() -> ResponseReturnValue:
    start_session(services.sign_in(**load_form(SignInForm())))
    target = _local(request.args.get("next", "")) or url_for("identity.index")
    return redirect(target, code=303)


@blueprint.post("/sign-out")
@requires(Permission.SELF_MANAGE)
def sign_out() -> ResponseReturnValue:
    seen = signed_in()
    assert seen is not None
    services.sign_out(sign_in_id=seen.sign_in.id, actor=actor())
    logout_user()
    return see_other("identity.sign_in", toast=_("You are signed out."))


@blueprint.get("/sign-up")
@public
def sign_up() -> Response:
    return render("identity/sign_up.html")


@blueprint.post("/sign-up")
@public
@limiter.limit("20 per hour")
@again_with_errors(sign_up)
def create() -> ResponseReturnValue:
    form = load_form(SignUpForm())
    form.pop("terms")
    services.sign_up(**form)
    start_session(services.sign_in(email=form["email"], password=form["password"]))
    return see_other("identity.index", toast=_("Welcome. The operator will look at your data now."))


@blueprint.get("/invitations/<token>")
@public
def invitation(token: str) -> Response:
    found = queries.get_open_invitation(token, at=clock.now())
    host = get(Organization, found.organization_id)
    return render("identity/invitation.html", invitation=found, host=host, token=token)


@blueprint.post("/invitations/<token>")
@public
@limiter.limit("20 per hour")
@again_with_errors(invitation)
def join(token: str) -> ResponseReturnValue:
    start_session(services.accept_invitation(token=token, **load_form(PersonForm())))
    return see_other("identity.index", toast=_("Welcome to the team."))


@blueprint.get("/team")
@requires(Permission.TEAM_READ)
def team() -> Response:
    ours, who = organization(), actor()
    scopes = sorted(who.permissions - PAGES_ONLY)
    return render(
        "identity/team.html",
        team=queries.team(ours.id),
        invitations=queries.open_invitations(ours.id, at=clock.now()),
        roles=[(role.value, words.ROLES[role]) for role in roles_of(ours.kind)],
        keys=queries.api_keys(ours.id),
        scopes=[(scope, words.SCOPES[Permission(scope)], scope) for scope in scopes],
        role_words=words.ROLES,
        me=who.id,
    )


@blueprint.post("/team/invitations")
@requires(Permission.TEAM_MANAGE)
@again_with_errors(team)
def invite() -> ResponseReturnValue:
    made, token = services.invite(
        organization_id=organization().id, actor=actor(), **load_form(InvitationForm())
    )
    link = url_for("identity.invitation", token=token, _external=True)
    return render("identity/invited.html", invitation=made, link=link, role=words.ROLES[made.role])


@blueprint.post("/team/members/<membership_id>/role")
@requires(Permission.TEAM_MANAGE)
def change_role(membership_id: str) -> ResponseReturnValue:
    member = parse_id(membership_id, Membership)
    role = load_form(RoleForm())["role"]
    services.change_role(membership_id=member, role=role, actor=actor())
    return see_other("identity.team", toast=_("The new role holds from now on."))


@blueprint.post("/team/members/<membership_id>/remove")
@requires(Permission.TEAM_MANAGE)
def remove_member(membership_id: str) -> ResponseReturnValue:
    member = parse_id(membership_id, Membership)
    services.remove_member(membership_id=member, actor=actor())
    return see_other("identity.team", toast=_("They are no longer a member."))


@blueprint.post("/team/invitations/<invitation_id>/revoke")
@requires(Permission.TEAM_MANAGE)
def revoke_invitation(invitation_id: str) -> ResponseReturnValue:
    services.revoke_invitation(invitation_id=parse_id(invitation_id, Invitation), actor=actor())
    return see_other("identity.team", toast=_("The invitation is taken back."))


@blueprint.post("/team/keys")
@requires(Permission.KEY_MANAGE)
@again_with_errors(team)
def create_key() -> ResponseReturnValue:
    """Show the secret once. No idempotency here: a kept answer would keep the secret with it."""
    prefix = "lx_live_" if clock.instance_kind() is InstanceKind.LIVE else "lx_test_"
    key, token = services.create_key(
        organization_id=organization().id, prefix=prefix, actor=actor(), **load_form(KeyForm())
    )
    return render("identity/key.html", key=key, token=token)


@blueprint.post("/team/keys/<key_id>/revoke")
@requires(Permission.KEY_MANAGE)
def revoke_key(key_id: str) -> ResponseReturnValue:
    services.revoke_key(key_id=parse_id(key_id, ApiKey), actor=actor())
    return see_other("identity.team", toast=_("The key is worth nothing from now on."))


@blueprint.get("/organizations")
@requires(Permission.SELF_MANAGE)
def organizations() -> Response:
    who = actor()
    assert who.id is not None
    seen = signed_in()
    return render(
        "identity/organizations.html",
        memberships=queries.memberships_of(who.id),
        current=seen and seen.membership.id,
        kind_words=words.KINDS,
        role_words=words.ROLES,
    )


@blueprint.post("/organizations")
@requires(Permission.SELF_MANAGE)
def switch() -> ResponseReturnValue:
    seen = signed_in()
    assert seen is not None
    chosen = parse_id(load_form(MembershipForm())["membership"], Membership)
    services.switch_membership(sign_in_id=seen.sign_in.id, membership_id=chosen, actor=actor())
    return see_other("identity.index")


@blueprint.get("/settings")
@requires(Permission.SELF_MANAGE)
def profile() -> Response:
    seen = signed_in()
    assert seen is not None
    return render(
        "identity/profile.html",
        user=seen.user,
        sign_ins=queries.sign_ins(seen.user.id),
        current=seen.sign_in.id,
        zones=sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"),
    )


@blueprint.post("/settings")
@requires(Permission.SELF_MANAGE)
@again_with_errors(profile)
def set_preferences() -> ResponseReturnValue:
    seen = signed_in()
    assert seen is not None
    form = load_form(PreferencesForm())
    services.set_preferences(user_id=seen.user.id, actor=actor(), **form)
    response = see_other("identity.profile", toast=_("Saved."))
    response.set_cookie("locale", form["locale"], max_age=LOCALE_SECONDS, samesite="Lax")
    return response


@blueprint.post("/settings/password")
@requires(Permission.SELF_MANAGE)
@limiter.limit("10 per minute; 50 per hour")
@again_with_errors(profile)
def change_password() -> ResponseReturnValue:
    seen = signed_in()
    assert seen is not None
    services.change_password(
        user_id=seen.user.id,
        sign_in_id=seen.sign_in.id,
        actor=actor(),
        **load_form(PasswordForm()),
    )
    toast = _("The new password holds. You are signed out everywhere else.")
    return see_other("identity.profile", toast=toast)


@blueprint.post("/language")
@public
def language() -> ResponseReturnValue:
    form = load_form(LanguageForm())
    seen = signed_in()
    if seen is not None:
        services.set_locale(user_id=seen.user.id, locale=form["language"], actor=actor())
    response = current_app.make_response(redirect(_local(form["next"]) or "/", code=303))
    response.set_cookie("locale", form["language"], max_age=LOCALE_SECONDS, samesite="Lax")
    return response


def _local(target: str) -> str:
    """The target if it is a path of ours, else nothing: nobody is led to another host."""
    parts = urlsplit(target)
    fits = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if fits and not parts.netloc and "\\" not in target else ""
