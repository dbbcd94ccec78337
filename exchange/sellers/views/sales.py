"""The page of sales: each lead that was sold, to whom by pseudonym, and what it brought."""

from __future__ import annotations

from flask import Response

from exchange.core.forms import PageQuery
from exchange.core.web import load_query, render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries as market
from exchange.sellers import offering
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/sales")
@requires(Permission.BATCH_READ)
def sales() -> Response:
    page = market.sales(viewer=organization().id, **load_query(PageQuery()))
    return render(
        "sellers/sales/index.html", block="results", page=page, sales=offering.sales(page.items)
    )
