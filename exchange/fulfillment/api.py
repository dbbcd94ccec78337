"""The API of what follows a sale: the contacts bought, returns and actions from both sides."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from exchange.core.db import parse_id
from exchange.core.doors import Blueprint
from exchange.core.forms import list_of
from exchange.core.idempotency import idempotent
from exchange.core.pagination import Page
from exchange.fulfillment import queries
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.models import ErasureNotice, LeadReturn
from exchange.fulfillment.queries import SeenConversion
from exchange.fulfillment.schemas import (
    BoughtLeadOut,
    ConversionOut,
    ConversionQuery,
    ErasureNoticeOut,
    NewConversion,
    NewReturn,
    NoticeQuery,
    Objection,
    Rejection,
    ReturnOut,
    ReturnQuery,
)
from exchange.fulfillment.services import conversions, erasure_notices, returns, reveals
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market.models import Order

blueprint = Blueprint("fulfillment_api", __name__, description="Bought contacts and returns")
Json = dict[str, Any]  # Any: what the schemas read


@blueprint.route("/orders/<order_id>/leads", methods=["GET"])
@requires(Permission.CONTACT_OPEN)
@blueprint.response(200, list_of(BoughtLeadOut))
def bought_leads(order_id: str) -> Response:
    """Open the contacts of an order. Each opening is recorded; refunded leads are left out."""
    opened = reveals.open_order(
        order_id=parse_id(order_id, Order), viewer=organization().id, actor=actor()
    )
    page = {"items": opened, "has_more": False, "next_cursor": None}
    response = jsonify(list_of(BoughtLeadOut).dump(page))
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.route("/returns", methods=["POST"])
@requires(Permission.RETURN_REQUEST)
@idempotent
@blueprint.arguments(NewReturn)
@blueprint.response(201, ReturnOut)
def request_return(form: Json) -> LeadReturn:
    """Ask for the money of one lead back; what a machine can decide is decided in the answer."""
    return returns.request_return(actor=actor(), **form)


@blueprint.route("/returns", methods=["GET"])
@requires(Permission.RETURN_REQUEST, Permission.RETURN_ANSWER)
@blueprint.arguments(ReturnQuery, location="query")
@blueprint.response(200, list_of(ReturnOut))
def index(asked: Json) -> Page[LeadReturn]:
    """List the returns that you asked for or must answer, newest first."""
    return queries.returns_of_anyone(organization().id, **asked)


@blueprint.route("/returns/<return_id>", methods=["GET"])
@requires(Permission.RETURN_REQUEST, Permission.RETURN_ANSWER)
@blueprint.response(200, ReturnOut)
def show(return_id: str) -> LeadReturn:
    """Show a return, what was decided and why."""
    return _seen(return_id)


@blueprint.route("/returns/<return_id>/contest", methods=["POST"])
@requires(Permission.RETURN_ANSWER)
@blueprint.arguments(Objection)
@blueprint.response(200, ReturnOut)
def contest(form: Json, return_id: str) -> LeadReturn:
    """Object to money that was given back; the operator has the last word."""
    return returns.contest_return(return_id=_seen(return_id).id, actor=actor(), **form)


@blueprint.route("/conversions", methods=["POST"])
@requires(Permission.CONVERSION_REPORT)
@idempotent
@blueprint.arguments(NewConversion)
@blueprint.response(201, ConversionOut)
def report_conversion(form: Json) -> SeenConversion:
    """Report an action of a lead that is paid by it. Your own id again answers with the first."""
    return _as_seen(conversions.report(actor=actor(), **form))


@blueprint.route("/conversions", methods=["GET"])
@requires(Permission.CONVERSION_REPORT, Permission.BATCH_READ)
@blueprint.arguments(ConversionQuery, location="query")
@blueprint.response(200, list_of(ConversionOut))
def list_conversions(asked: Json) -> Page[SeenConversion]:
    """List the actions that you reported, or that were reported of your leads, newest first."""
    return queries.conversions(viewer=organization().id, **asked)


@blueprint.route("/conversions/<conversion_id>", methods=["GET"])
@requires(Permission.CONVERSION_REPORT, Permission.BATCH_READ)
@blueprint.response(200, ConversionOut)
def show_conversion(conversion_id: str) -> SeenConversion:
    """Show an action and what became of it."""
    number = parse_id(conversion_id, Conversion)
    return _as_seen(queries.get_conversion(number, viewer=organization().id))


@blueprint.route("/conversions/<conversion_id>/approve", methods=["POST"])
@requires(Permission.CONVERSION_REPORT)
@idempotent
@blueprint.response(200, ConversionOut)
def approve_conversion(conversion_id: str) -> SeenConversion:
    """Approve an action: what was set apart for it is the seller's."""
    number = parse_id(conversion_id, Conversion)
    return _as_seen(conversions.approve(conversion_id=number, actor=actor()))


@blueprint.route("/conversions/<conversion_id>/reject", methods=["POST"])
@requires(Permission.CONVERSION_REPORT)
@idempotent
@blueprint.arguments(Rejection)
@blueprint.response(200, ConversionOut)
def reject_conversion(form: Json, conversion_id: str) -> SeenConversion:
    """Reject an action, with a reason that the seller reads; the money is yours again."""
    number = parse_id(conversion_id, Conversion)
    return _as_seen(conversions.reject(conversion_id=number, actor=actor(), **form))


@blueprint.route("/erasure_notices", methods=["GET"])
@requires(Permission.CONTACT_OPEN)
@blueprint.arguments(NoticeQuery, location="query")
@blueprint.response(200, list_of(ErasureNoticeOut))
def notices(asked: Json) -> Page[ErasureNotice]:
    """List the people you bought who are erased; the purchases are named, the people are not."""
    return queries.erasure_notices(viewer=organization().id, **asked)


@blueprint.route("/erasure_notices/<notice_id>/acknowledge", methods=["POST"])
@requires(Permission.CONTACT_OPEN)
@blueprint.response(200, ErasureNoticeOut)
def acknowledge(notice_id: str) -> ErasureNotice:
    """Confirm that the person is erased with you too."""
    return erasure_notices.acknowledge(
        notice_id=parse_id(notice_id, ErasureNotice), viewer=organization().id, actor=actor()
    )


def _seen(return_id: str) -> LeadReturn:
    return queries.get_return(parse_id(return_id, LeadReturn), viewer=organization().id)


def _as_seen(conversion: Conversion) -> SeenConversion:
    return SeenConversion(conversion, organization().id)
