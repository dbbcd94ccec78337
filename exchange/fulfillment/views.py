"""Pages of erasure: the operator erases and prints the certificate, buyers confirm."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.core.db import get, parse_id
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.fulfillment import queries
from exchange.fulfillment.models import ErasureNotice
from exchange.fulfillment.schemas import EraseForm
from exchange.fulfillment.services import erasure_notices as notices
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads.rights import Erasure
from exchange.leads.services import erasures as verbs

blueprint = Blueprint("fulfillment", __name__)


@blueprint.get("/erasure-notices")
@requires(Permission.CONTACT_OPEN)
def erasure_notices() -> Response:
    cursor = request.args.get("cursor")
    page = queries.erasure_notices(viewer=organization().id, cursor=cursor)
    return render("fulfillment/notices/index.html", block="results", page=page)


@blueprint.post("/erasure-notices/<notice_id>/acknowledge")
@requires(Permission.CONTACT_OPEN)
def acknowledge(notice_id: str) -> ResponseReturnValue:
    number = parse_id(notice_id, ErasureNotice)
    notices.acknowledge(notice_id=number, viewer=organization().id, actor=actor())
    return see_other("fulfillment.erasure_notices", toast=_("Thank you. It is written down."))


@blueprint.get("/erasures")
@requires(Permission.PERSON_ERASE)
def erasures() -> Response:
    page = queries.erasures(cursor=request.args.get("cursor"))
    told = queries.told([found.id for found in page.items])
    return render(
        "fulfillment/erasures/index.html",
        block="results",
        page=page,
        told=told,
        requests=queries.erasure_requests(),
    )


@blueprint.post("/erasures")
@requires(Permission.PERSON_ERASE)
@again_with_errors(erasures)
def erase() -> ResponseReturnValue:
    """Erase one person. No idempotency: a kept request would keep the person."""
    form = load_form(EraseForm())
    region = form.pop("country") or organization().country
    made = verbs.erase(region=region, origin="staff", actor=actor(), **form)
    return see_other("fulfillment.erasure", erasure_id=made.public_id, toast=_("It is done."))


@blueprint.get("/erasures/<erasure_id>")
@requires(Permission.PERSON_ERASE)
def erasure(erasure_id: str) -> Response:
    found = get(Erasure, parse_id(erasure_id, Erasure))
    return render(
        "fulfillment/erasures/detail.html",
        found=found,
        paper=queries.certificate(found.id),
        notices=queries.notices_of(found.id),
    )
