"""Pages of admission: who has signed up, and the one page on which that is decided."""

from __future__ import annotations

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.admin import queries, timeline
from exchange.admin.schemas import OrganizationQuery, ReasonForm, VerificationForm
from exchange.admin.views.blueprint import blueprint
from exchange.billing import queries as billing
from exchange.core.db import get, parse_id
from exchange.core.errors import NotFound
from exchange.core.events import Ref
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.identity import queries as identity
from exchange.identity import services, words
from exchange.identity.access import actor, requires
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind, Permission, Role
from exchange.reports import queries as reports


@blueprint.get("/organizations")
@requires(Permission.AUDIT_READ)
def organizations() -> Response:
    asked = load_query(OrganizationQuery())
    return render(
        "admin/organizations/index.html",
        block="results",
        page=queries.organizations(**asked),
        asked={name: str(value) for name, value in asked.items() if value and name != "cursor"},
        kinds=words.KINDS,
        statuses=list(OrganizationStatus),
    )


@blueprint.get("/organizations/<organization_id>")
@requires(Permission.AUDIT_READ)
def organization(organization_id: str) -> Response:
    seen = _organization(organization_id)
    events = reports.events(viewer=None, subject=Ref.to(seen))
    return render(
        "admin/organizations/detail.html",
        seen=seen,
        terms=queries.terms_of(seen),
        team=identity.team(seen.id),
        balances=billing.balances(seen.id),
        history=timeline.entries(events.items),
        kind_words=words.KINDS,
        role_words=words.ROLES,
    )


@blueprint.post("/organizations/<organization_id>/approve")
@requires(Permission.ORGANIZATION_REVIEW)
@again_with_errors(organization)
def approve(organization_id: str) -> ResponseReturnValue:
    seen = _organization(organization_id)
    services.approve_organization(organization_id=seen.id, actor=actor())
    return _back(seen, _("%(name)s may trade from now on.", name=seen.trade_name))


@blueprint.post("/organizations/<organization_id>/suspend")
@requires(Permission.ORGANIZATION_REVIEW)
@again_with_errors(organization)
def suspend(organization_id: str) -> ResponseReturnValue:
    seen = _organization(organization_id)
    reason = load_form(ReasonForm())["reason"]
    services.suspend_organization(organization_id=seen.id, reason=reason, actor=actor())
    return _back(seen, _("%(name)s is suspended. Its money stays.", name=seen.trade_name))


@blueprint.get("/verifiers/new")
@requires(Permission.ORGANIZATION_REVIEW)
def new_verification() -> Response:
    return render("admin/organizations/new_verification.html")


@blueprint.post("/verifiers")
@requires(Permission.ORGANIZATION_REVIEW)
@again_with_errors(new_verification)
def add_verification() -> ResponseReturnValue:
    made = services.add_verification_organization(actor=actor(), **load_form(VerificationForm()))
    return _invited(made, Role.OWNER)


@blueprint.post("/organizations/<organization_id>/invite")
@requires(Permission.ORGANIZATION_REVIEW)
@again_with_errors(organization)
def invite(organization_id: str) -> ResponseReturnValue:
    """A new link for whoever leads a verification organization, when the first one was lost."""
    seen = _organization(organization_id)
    if seen.kind is not OrganizationKind.VERIFICATION:
        raise NotFound  # traders invite their own people
    return _invited(seen, Role.OWNER)


def _invited(made: Organization, role: Role) -> Response:
    invitation, token = services.invite(organization_id=made.id, role=role, note="", actor=actor())
    link = url_for("identity.invitation", token=token, _external=True)
    return render(
        "admin/organizations/invited.html",
        seen=made,
        link=link,
        invitation=invitation,
        role=words.ROLES[role],
    )


def _back(seen: Organization, toast: str) -> Response:
    return see_other("admin.organization", organization_id=seen.public_id, toast=toast)


def _organization(organization_id: str) -> Organization:
    return get(Organization, parse_id(organization_id, Organization))
