"""The page that says how leads are checked, in words and figures that can be recomputed."""

from __future__ import annotations

from flask import Response, request

from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import OUTCOME_CLASS
from exchange.core.errors import NotFound
from exchange.core.web import render
from exchange.identity.access import public
from exchange.reports import method as figures
from exchange.reports import method_rules as rules
from exchange.reports.views.blueprint import blueprint
from exchange.verification import reputation
from exchange.verification.judging import USUAL_NORM


@blueprint.get("/method")
@public
def method() -> Response:
    asked = request.args.get("class", QualityClass.STANDARD.value)
    known = {grade.value: grade for grade in figures.classes()}
    if asked not in known:
        raise NotFound
    return render(
        "reports/method.html",
        methods=[figures.method_of(grade) for grade in figures.classes()],
        chosen=figures.method_of(known[asked]),
        lot=figures.LOT,
        rules=rules,
        record=reputation,
        open_most=USUAL_NORM.open_max,
        outcomes=[(code.value, found.value) for code, found in OUTCOME_CLASS.items()],
    )
