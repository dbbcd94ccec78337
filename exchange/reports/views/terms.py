"""The page of the terms that every organization accepts when it signs up."""

from __future__ import annotations

from flask import Response

from exchange.core.web import render
from exchange.identity.access import public
from exchange.identity.services import TERMS_VERSION
from exchange.reports.views.blueprint import blueprint


@blueprint.get("/terms")
@public
def terms() -> Response:
    return render("reports/terms.html", version=TERMS_VERSION)
