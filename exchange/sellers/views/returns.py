"""Pages of returns: what buyers ask back, what was decided, and the seller's objection."""

from __future__ import annotations

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.core.db import parse_id
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.fulfillment import queries
from exchange.fulfillment.models import LeadReturn
from exchange.fulfillment.services import returns as verbs
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.sellers import queries as own
from exchange.sellers.schemas import ContestForm
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/returns")
@requires(Permission.BATCH_READ)
def returns() -> Response:
    page = queries.returns_of_seller(organization().id, cursor=request.args.get("cursor"))
    return render(
        "sellers/returns/index.html",
        block="results",
        page=page,
        views=own.return_views(page.items),
    )


@blueprint.get("/returns/<return_id>")
@requires(Permission.BATCH_READ)
def lead_return(return_id: str) -> Response:
    found = _mine(return_id)
    return render(
        "sellers/returns/detail.html",
        seen=own.return_views([found])[0],
        steps=own.steps_of_return(found),
    )


@blueprint.post("/returns/<return_id>/contest")
@requires(Permission.RETURN_ANSWER)
@again_with_errors(lead_return)
def contest(return_id: str) -> ResponseReturnValue:
    explanation = load_form(ContestForm())["explanation"]
    verbs.contest_return(return_id=_mine(return_id).id, explanation=explanation, actor=actor())
    return see_other("sellers.lead_return", return_id=return_id, toast=_("The operator decides."))


def _mine(return_id: str) -> LeadReturn:
    return queries.get_return(parse_id(return_id, LeadReturn), viewer=organization().id)
