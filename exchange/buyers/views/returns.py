"""Returns: asking for the money of one lead back, and following what is decided about it."""

from __future__ import annotations

from datetime import datetime

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.buyers import queries
from exchange.buyers.queries import BoughtLead
from exchange.buyers.schemas import ReturnForm, ReturnsQuery
from exchange.buyers.views.blueprint import blueprint
from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.idempotency import idempotent
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.fulfillment import deadlines
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import LeadReturn, ReturnStatus
from exchange.fulfillment.services import returns as verbs
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market.models import OrderLine


@blueprint.get("/returns")
@requires(Permission.ORDER_READ)
def returns() -> Response:
    asked, ours = load_query(ReturnsQuery()), organization()
    status = (asked["status"],) if asked["status"] else ()
    page = fulfillment.returns_of_buyer(ours.id, status=status, cursor=asked["cursor"])
    return render(
        "buyers/returns/index.html",
        block="results",
        page=page,
        bought=queries.leads_of_returns(page.items),
        asked=asked,
        statuses=list(ReturnStatus),
    )


@blueprint.get("/returns/<return_id>")
@requires(Permission.ORDER_READ)
def lead_return(return_id: str) -> Response:
    found = fulfillment.get_return(parse_id(return_id, LeadReturn), viewer=organization().id)
    return render(
        "buyers/returns/detail.html",
        lead_return=found,
        bought=queries.get_bought_lead(found.line_id, viewer=organization().id),
        steps=queries.steps_of_return(found),
    )


@blueprint.get("/leads/<line_id>/return")
@requires(Permission.RETURN_REQUEST)
def new_return(line_id: str) -> Response:
    bought = _mine(line_id)
    return render(
        "buyers/returns/new.html",
        bought=bought,
        rules=fulfillment.rules_of(bought.line),
        decide_by=_decide_by(bought),
    )


@blueprint.post("/leads/<line_id>/return")
@requires(Permission.RETURN_REQUEST)
@again_with_errors(new_return)
@idempotent
def request_return(line_id: str) -> ResponseReturnValue:
    form, bought = load_form(ReturnForm()), _mine(line_id)
    made = verbs.request_return(
        line_id=bought.line.id, reason=form["reason"].value, note=form["note"], actor=actor()
    )
    toast = _("The return is received.")
    return see_other("buyers.lead_return", return_id=made.public_id, toast=toast)


def _decide_by(bought: BoughtLead) -> datetime:
    """When a return that is asked for now is decided at the latest."""
    definition = catalog.get_definition(bought.vertical)
    return deadlines.decide_by(
        clock.now(),
        hours=definition.terms.calling_hours,
        time_zone=definition.time_zone_of(bought.lead.region),
    )


def _mine(line_id: str) -> BoughtLead:
    return queries.get_bought_lead(parse_id(line_id, OrderLine), viewer=organization().id)
