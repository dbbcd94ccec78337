"""Opening and exporting contacts: by POST, never kept, written down before the first byte leaves.

No idempotency here: a kept answer would keep the contacts with it. Opening twice is two openings.
"""

from __future__ import annotations

from typing import Final

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, get_timezone
from flask_babel import gettext as _

from exchange.buyers import exports, queries
from exchange.buyers.schemas import ExportForm
from exchange.buyers.values import described
from exchange.buyers.views.blueprint import blueprint
from exchange.buyers.views.leads import lead
from exchange.buyers.views.orders import order
from exchange.core.db import parse_id
from exchange.core.web import again_with_errors, load_form, render
from exchange.fulfillment.services import reveals
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market.models import Order, OrderLine

SEPARATORS: Final = {"comma": ",", "semicolon": ";", "tab": "\t"}


@blueprint.post("/leads/<line_id>/contact")
@requires(Permission.CONTACT_OPEN)
@again_with_errors(lead)
def open_contact(line_id: str) -> ResponseReturnValue:
    ours, number = organization(), parse_id(line_id, OrderLine)
    opened = reveals.open_line(line_id=number, viewer=ours.id, actor=actor())
    bought = queries.get_bought_lead(number, viewer=ours.id)
    return render(
        "buyers/leads/detail.html",
        bought=bought,
        openings=queries.openings(bought, viewer=ours.id),
        described=described,
        contact=opened.contact,
    )


@blueprint.post("/orders/<order_id>/contacts")
@requires(Permission.CONTACT_OPEN)
@again_with_errors(order)
def open_contacts(order_id: str) -> ResponseReturnValue:
    ours, number = organization(), parse_id(order_id, Order)
    opened = reveals.open_order(order_id=number, viewer=ours.id, actor=actor())
    people = {one.line.id: one.contact for one in opened}
    return render(
        "buyers/orders/contacts.html",
        seen=queries.get_order_view(number, viewer=ours.id),
        leads=queries.with_leads([one.line for one in opened]),
        people=people,
    )


@blueprint.post("/orders/<order_id>/export")
@requires(Permission.CONTACT_EXPORT)
@again_with_errors(order)
def export(order_id: str) -> ResponseReturnValue:
    separator = SEPARATORS[load_form(ExportForm())["separator"]]
    ours, number = organization(), parse_id(order_id, Order)
    seen = queries.get_order_view(number, viewer=ours.id)
    rows = reveals.export_order(order_id=number, viewer=ours.id, actor=actor())
    columns = exports.columns(
        queries.fields_of_order(seen), currency=seen.row.order.price.currency, reader=_reader()
    )
    content = exports.table(columns, rows, separator=separator)
    headers = {
        "Content-Disposition": f'attachment; filename="{seen.row.order.public_id}.csv"',
        "Cache-Control": "private, no-store",
    }
    return Response(content, mimetype="text/csv", headers=headers)


def _reader() -> exports.Reader:
    words = {
        "yes": _("yes"),
        "no": _("no"),
        "line": _("Purchase"),
        "lead": _("Lead"),
        "requested_at": _("Asked"),
        "delivered_at": _("Delivered"),
        "return_until": _("Return until"),
    }
    return exports.Reader(str(get_locale()), get_timezone(), words)
