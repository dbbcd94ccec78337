"""Pages of leads that are paid by their action: each report, and what became of it."""

from __future__ import annotations

from flask import Response, request

from exchange.core.db import parse_id
from exchange.core.web import render
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.conversion_models import Conversion
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.sellers import actions as own
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/actions")
@requires(Permission.BATCH_READ)
def actions() -> Response:
    ours = organization().id
    return render(
        "sellers/actions/index.html",
        block="results",
        sums=fulfillment.action_sums(ours),
        page=own.action_views(viewer=ours, cursor=request.args.get("cursor")),
    )


@blueprint.get("/actions/<conversion_id>")
@requires(Permission.BATCH_READ)
def action(conversion_id: str) -> Response:
    view = own.action_view(parse_id(conversion_id, Conversion), viewer=organization().id)
    assert view.conversion is not None
    return render(
        "sellers/actions/detail.html",
        view=view,
        events=own.steps_of_action(view.conversion),
    )
