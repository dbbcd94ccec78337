"""Orders: what was bought, what it cost, and until when it can go back."""

from __future__ import annotations

from flask import Response, request

from exchange.buyers import queries
from exchange.buyers.schemas import OrdersQuery
from exchange.buyers.views.blueprint import blueprint
from exchange.core.db import parse_id
from exchange.core.web import load_query, render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.market.models import Order, OrderStatus


@blueprint.get("/orders")
@requires(Permission.ORDER_READ)
def orders() -> Response:
    asked = load_query(OrdersQuery())
    return render(
        "buyers/orders/index.html",
        block="results",
        page=queries.orders(viewer=organization().id, **asked),
        asked=asked,
        # An order is confirmed and delivered in one transaction: nobody ever sees it pending.
        statuses=[OrderStatus.FULFILLED, OrderStatus.SETTLED, OrderStatus.CANCELLED],
    )


@blueprint.get("/orders/<order_id>")
@requires(Permission.ORDER_READ)
def order(order_id: str) -> Response:
    ours = organization()
    seen = queries.get_order_view(parse_id(order_id, Order), viewer=ours.id)
    page = queries.bought_leads(
        viewer=ours.id, order_id=seen.row.order.id, cursor=request.args.get("cursor")
    )
    return render("buyers/orders/detail.html", block="results", seen=seen, page=page)
