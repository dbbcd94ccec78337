"""The page on which every component stands in every state, with made-up figures."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Response
from flask_babel import gettext as _

from exchange.core import clock
from exchange.core.money import Currency, Money
from exchange.core.pagination import Page
from exchange.core.web import FormState, render
from exchange.identity.access import public
from exchange.identity.models import Organization
from exchange.reports.views.blueprint import blueprint


@blueprint.get("/styleguide")
@public
def styleguide() -> Response:
    shown: Page[Organization] = Page([], "org_00000000000000000000000000")
    return render(
        "reports/styleguide.html",
        rubles=lambda minor: Money(minor, Currency.RUB),
        ago=_ago,
        mistaken=_mistaken(),
        page=shown,
    )


def _ago(**distance: float) -> datetime:
    return clock.now() - timedelta(**distance)


def _mistaken() -> FormState:
    return FormState(
        values={"amount": "-5", "region": "", "terms": ""},
        errors={
            "amount": [_("Type an amount such as 45 or 45.50.")],
            "region": [_("Choose a region.")],
            "terms": [_("Choose how you pay.")],
        },
        message=_("Please check the marked fields"),
    )
