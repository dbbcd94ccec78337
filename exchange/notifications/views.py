"""Doors of the bell: what was said to our organization, and that we have read it."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.core import ids
from exchange.core.db import parse_id
from exchange.core.money import Currency, Money
from exchange.core.web import render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.notifications import queries, services
from exchange.notifications.models import Notice

blueprint = Blueprint("notifications", __name__, url_prefix="/notices")
# Where a notice leads, by whom it was said to and what it is about: endpoint, argument, prefix.
LINKS: Final = {
    ("seller", "import"): ("sellers.show_import", "import_id", "imp"),
    ("seller", "batch"): ("sellers.batch", "batch_id", "batch"),
    ("seller", "listing"): ("sellers.listing", "listing_id", "lst"),
    ("seller", "source"): ("sellers.source", "source_id", "src"),
    ("seller", "contract_source"): ("sellers.joined_offer", "joined_id", "cos"),
    ("seller", "return"): ("sellers.lead_return", "return_id", "ret"),
    ("buyer", "contract"): ("buyers.contract", "contract_id", "con"),
    ("buyer", "return"): ("buyers.lead_return", "return_id", "ret"),
    ("seller", "order"): ("sellers.sales", None, None),
    ("seller", "auction"): ("sellers.auction", "auction_id", "auc"),
    ("buyer", "auction"): ("buyers.auction", "auction_id", "auc"),
    ("seller", "conversion"): ("sellers.action", "conversion_id", "cnv"),
    ("buyer", "conversion"): ("buyers.action", "conversion_id", "cnv"),
    ("seller", "payout"): ("billing.money", None, None),
    ("buyer", "top_up"): ("billing.wallet", None, None),
    ("verification", "qualification"): ("verification.shift", None, None),
    ("verification", "appeal"): ("verification.results", None, None),
    ("buyer", "erasure_notice"): ("fulfillment.erasure_notices", None, None),
}


@blueprint.get("")
@requires(Permission.SELF_MANAGE)
def index() -> Response:
    only_unread = request.args.get("unread") == "1"
    cursor = request.args.get("cursor")
    page = queries.notices(viewer=organization().id, cursor=cursor, only_unread=only_unread)
    return render(
        "notifications/index.html",
        block="results",
        page=page,
        unread=only_unread,
        amount=_amount,
        link=_link,
    )


@blueprint.post("/read")
@requires(Permission.SELF_MANAGE)
def read_all() -> ResponseReturnValue:
    services.read_all(actor=actor())
    return see_other("notifications.index", toast=_("Everything is marked as read."))


@blueprint.post("/<notice_id>/read")
@requires(Permission.SELF_MANAGE)
def read(notice_id: str) -> ResponseReturnValue:
    services.read(notice_id=parse_id(notice_id, Notice), actor=actor())
    return see_other("notifications.index")


def _amount(notice: Notice) -> Money | None:
    facts = notice.facts
    return Money(facts["amount"], Currency(facts["currency"])) if "amount" in facts else None


def _link(notice: Notice) -> str:
    """The address of what the notice is about; empty where there is no such page."""
    if "line" in notice.facts:
        return url_for("buyers.lead", line_id=notice.facts["line"])
    if "contract" in notice.facts:
        return url_for("buyers.contract", contract_id=notice.facts["contract"])
    if notice.subject_kind == "saved_search":
        return f"{url_for('buyers.market')}?{notice.facts['query']}"
    found = LINKS.get((organization().kind.value, notice.subject_kind))
    if found is None or found[0] not in current_app.view_functions:
        return ""
    endpoint, argument, prefix = found
    if argument is None or prefix is None:
        return url_for(endpoint)
    values: dict[str, Any] = {argument: ids.encode(prefix, notice.subject_id)}  # Any: as url_for
    return url_for(endpoint, **values)
