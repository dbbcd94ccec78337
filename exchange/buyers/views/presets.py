"""The gallery: contracts to begin from, beside what the standing orders of others pay."""

from __future__ import annotations

from flask import Response
from flask_babel import get_locale

from exchange.buyers.contract_form import amount_text
from exchange.buyers.presets import presets, title_of
from exchange.buyers.schemas import PresetsQuery
from exchange.buyers.views.blueprint import blueprint
from exchange.catalog import queries as catalog
from exchange.core.web import load_query, render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries as market
from exchange.market.models import PricingModel


@blueprint.get("/contracts/presets")
@requires(Permission.CONTRACT_WRITE)
def contract_presets() -> Response:
    """Of one kind of lead; of the first one that is traded where none is named."""
    code, verticals = load_query(PresetsQuery())["vertical"], catalog.verticals()
    vertical = catalog.get_vertical(code) if code else next(iter(verticals), None)
    wanted = vertical and market.wanted(vertical_id=vertical.id, currency=vertical.currency)
    return render(
        "buyers/contracts/presets.html",
        block="results",
        verticals=verticals,
        vertical=vertical,
        presets=vertical and presets(vertical, viewer=organization().id),
        wanted=[row for row in wanted or () if PricingModel.CPL in row.prices],
        region=vertical and catalog.get_schema(vertical).fields.by_name.get("region"),
        amount_text=amount_text,
        title_of=title_of,
        language=str(get_locale()),
    )
