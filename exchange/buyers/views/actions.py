"""Actions under CPA: reported at a lead, then approved or rejected with a reason."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.buyers import queries
from exchange.buyers.schemas import ActionForm, ActionsQuery, RejectionForm
from exchange.buyers.views.blueprint import blueprint
from exchange.core.db import parse_id
from exchange.core.errors import NotFound
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.conversion_models import CHOSEN, Conversion, ConversionStatus
from exchange.fulfillment.services import conversions as verbs
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market.models import OrderLine


@blueprint.get("/actions")
@requires(Permission.ORDER_READ)
def actions() -> Response:
    asked = load_query(ActionsQuery())
    page = fulfillment.conversions(viewer=organization().id, **asked)
    return render(
        "buyers/actions/index.html",
        block="results",
        page=page,
        bought=queries.leads_of_actions(page.items),
        asked=asked,
        statuses=[status for status in ConversionStatus if status is not ConversionStatus.PENDING],
    )


@blueprint.get("/actions/<conversion_id>")
@requires(Permission.ORDER_READ)
def action(conversion_id: str) -> Response:
    found = fulfillment.get_conversion(
        parse_id(conversion_id, Conversion), viewer=organization().id
    )
    bought = queries.get_bought_lead(found.line_id, viewer=organization().id)
    return render(
        "buyers/actions/detail.html",
        c=found,
        bought=bought,
        agreed=queries.agreed_action(bought),
        events=queries.steps_of_action(found),
        owed=Money(found.owed, found.price.currency),
        reasons=CHOSEN,
    )


@blueprint.get("/leads/<line_id>/action")
@requires(Permission.CONVERSION_REPORT)
def new_action(line_id: str) -> Response:
    bought = queries.get_bought_lead(parse_id(line_id, OrderLine), viewer=organization().id)
    agreed = queries.agreed_action(bought)
    if agreed is None:
        raise NotFound("This lead is paid by itself, not by an action.")
    return render("buyers/actions/new.html", bought=bought, agreed=agreed)


@blueprint.post("/leads/<line_id>/action")
@requires(Permission.CONVERSION_REPORT)
@again_with_errors(new_action)
@idempotent
def report_action(line_id: str) -> ResponseReturnValue:
    form = load_form(ActionForm())
    made = verbs.report(line_id=parse_id(line_id, OrderLine), actor=actor(), **form)
    toast = _("The action is reported.")
    if made.status is ConversionStatus.REJECTED:
        toast = _("The report is kept. It came too late, so nothing is paid for it.")
    return see_other("buyers.action", conversion_id=made.public_id, toast=toast)


@blueprint.post("/actions/<conversion_id>/approve")
@requires(Permission.CONVERSION_REPORT)
@again_with_errors(action)
@idempotent
def approve_action(conversion_id: str) -> ResponseReturnValue:
    verbs.approve(conversion_id=parse_id(conversion_id, Conversion), actor=actor())
    toast = _("The action is approved. The seller is paid.")
    return see_other("buyers.action", conversion_id=conversion_id, toast=toast)


@blueprint.post("/actions/<conversion_id>/reject")
@requires(Permission.CONVERSION_REPORT)
@again_with_errors(action)
@idempotent
def reject_action(conversion_id: str) -> ResponseReturnValue:
    form, number = load_form(RejectionForm()), parse_id(conversion_id, Conversion)
    verbs.reject(conversion_id=number, actor=actor(), **form)
    toast = _("The action is rejected. The money is yours again.")
    return see_other("buyers.action", conversion_id=conversion_id, toast=toast)
