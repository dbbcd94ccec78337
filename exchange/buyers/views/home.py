"""The buyer's home: money, what came this week, and which windows close soon."""

from __future__ import annotations

from flask import Response

from exchange.buyers import queries
from exchange.buyers.views.blueprint import blueprint
from exchange.core.web import render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.reports import queries as reports


@blueprint.get("/")
@requires(Permission.ORDER_READ)
def home() -> Response:
    ours = organization()
    return render(
        "buyers/home.html",
        figures=reports.buyer_figures(ours.id),
        bought=queries.bought_this_week(viewer=ours.id),
        closing=queries.closing_leads(viewer=ours.id),
        latest=queries.orders(viewer=ours.id, limit=5).items,
    )
