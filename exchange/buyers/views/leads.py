"""Bought leads: the list and one lead, masked; contacts are opened by doors of their own."""

from __future__ import annotations

from flask import Response

from exchange.buyers import queries
from exchange.buyers.schemas import LeadsQuery
from exchange.buyers.values import described
from exchange.buyers.views.blueprint import blueprint
from exchange.core.db import parse_id
from exchange.core.pagination import LIMIT_MAX
from exchange.core.web import load_query, render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries as market
from exchange.market.models import LineStatus, OrderLine


@blueprint.get("/leads")
@requires(Permission.ORDER_READ)
def leads() -> Response:
    asked, ours = load_query(LeadsQuery()), organization()
    by = asked["contract_id"]
    return render(
        "buyers/leads/index.html",
        block="results",
        page=queries.bought_leads(viewer=ours.id, **asked),
        asked=asked,
        contract=market.get_contract(by, viewer=ours.id) if by else None,
        contracts=market.contracts(viewer=ours.id, limit=LIMIT_MAX).items,
        statuses=[LineStatus.DELIVERED, LineStatus.RETURNED, LineStatus.SETTLED],
    )


@blueprint.get("/leads/<line_id>")
@requires(Permission.ORDER_READ)
def lead(line_id: str) -> Response:
    ours = organization()
    bought = queries.get_bought_lead(parse_id(line_id, OrderLine), viewer=ours.id)
    return render(
        "buyers/leads/detail.html",
        bought=bought,
        openings=queries.openings(bought, viewer=ours.id),
        described=described,
        contact=None,
    )
