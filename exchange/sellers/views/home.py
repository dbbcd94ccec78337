"""The seller's home: what needs an answer, what is on sale, what is paid next."""

from __future__ import annotations

from flask import Response

from exchange.core.web import render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries as leads
from exchange.reports import queries as reports
from exchange.sellers import queries
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/")
@requires(Permission.BATCH_READ)
def home() -> Response:
    ours = organization()
    return render(
        "sellers/home.html",
        figures=reports.seller_figures(ours.id),
        drafts=leads.open_imports(viewer=ours.id),
        recent=queries.batch_views(viewer=ours.id, limit=5).items,
    )
