"""A buyer's credit limit: what is used of it, a new one proposed, and decided by somebody else."""

from __future__ import annotations

from typing import Final

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.admin import queries
from exchange.admin.schemas import CreditForm
from exchange.admin.views.blueprint import blueprint
from exchange.admin.views.home import STAFF_FOR_FOUR_EYES
from exchange.billing import queries as billing
from exchange.billing.models import CreditLimit, CreditStatus
from exchange.billing.services import credit as verbs
from exchange.core.db import get, parse_id
from exchange.core.errors import NotFound
from exchange.core.money import Currency, Money
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, requires
from exchange.identity.models import Organization
from exchange.identity.permissions import OrganizationKind, Permission

DECISIONS: Final = {"approve": verbs.approve, "decline": verbs.decline}


@blueprint.get("/organizations/<organization_id>/credit")
@requires(Permission.LEDGER_READ)
def credit(organization_id: str) -> Response:
    seen = _buyer(organization_id)
    history = billing.credit_history(seen.id)
    balances = billing.balances(seen.id)
    return render(
        "admin/organizations/credit.html",
        seen=seen,
        balances=balances or [billing.no_balances(billing.home_currency(seen))],
        currencies=list(Currency),
        waiting=[step for step in history if step.credit.status is CreditStatus.PROPOSED],
        history=history,
        me=actor().id,
        lacks_second_person=queries.staff_of_money() < STAFF_FOR_FOUR_EYES,
    )


@blueprint.post("/organizations/<organization_id>/credit")
@requires(Permission.CREDIT_GRANT)
@again_with_errors(credit)
def propose_credit(organization_id: str) -> ResponseReturnValue:
    seen, form = _buyer(organization_id), load_form(CreditForm())
    verbs.propose(
        organization_id=seen.id,
        limit=Money(form["limit"], form["currency"]),
        reason=form["reason"],
        actor=actor(),
    )
    toast = _("The limit is proposed. Somebody else approves it.")
    return see_other("admin.credit", organization_id=organization_id, toast=toast)


@blueprint.post("/organizations/<organization_id>/credit/<credit_limit_id>/<decision>")
@requires(Permission.CREDIT_GRANT)
@again_with_errors(lambda organization_id, **_more: credit(organization_id))
def decide_credit(organization_id: str, credit_limit_id: str, decision: str) -> ResponseReturnValue:
    found = get(CreditLimit, parse_id(credit_limit_id, CreditLimit))
    if decision not in DECISIONS or found.organization_id != _buyer(organization_id).id:
        raise NotFound
    DECISIONS[decision](credit_limit_id=found.id, actor=actor())
    said = _("The limit holds from now on.") if decision == "approve" else _("It is declined.")
    return see_other("admin.credit", organization_id=organization_id, toast=said)


def _buyer(organization_id: str) -> Organization:
    """Who may have credit. Raises NotFound."""
    seen = get(Organization, parse_id(organization_id, Organization))
    if seen.kind is not OrganizationKind.BUYER:
        raise NotFound
    return seen
