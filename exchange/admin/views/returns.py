"""Pages of arbitration: what waits by deadline, and one case with what both sides say."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.admin import queries, timeline
from exchange.admin.schemas import DecisionForm, ReturnQuery
from exchange.admin.views.blueprint import blueprint
from exchange.core.db import get, parse_id
from exchange.core.events import Ref
from exchange.core.idempotency import idempotent
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import LeadReturn, ReturnStatus
from exchange.fulfillment.services import returns as verbs
from exchange.identity.access import actor, requires
from exchange.identity.permissions import Permission
from exchange.leads.models import Batch, Lead
from exchange.leads.people import consents_of
from exchange.market.models import OrderLine
from exchange.reports import queries as reports
from exchange.verification import queries as verification


@blueprint.get("/returns")
@requires(Permission.RETURN_ARBITRATE)
def returns() -> Response:
    asked = load_query(ReturnQuery())
    urgent = fulfillment.most_urgent()
    page = queries.all_returns(cursor=asked["cursor"]) if asked["view"] == "all" else None
    shown = page.items if page else urgent
    parties = {party for found in shown for party in (found.buyer_id, found.seller_id)}
    return render(
        "admin/returns/index.html",
        block="results",
        returns=shown,
        page=page,
        view=asked["view"],
        waiting=len(urgent),
        names=queries.names(parties),
        prices=queries.prices([found.line_id for found in shown]),
    )


@blueprint.get("/returns/<return_id>")
@requires(Permission.RETURN_ARBITRATE)
def lead_return(return_id: str) -> Response:
    found = _return(return_id)
    line, lead = get(OrderLine, found.line_id), get(Lead, found.lead_id)
    events = reports.events(viewer=None, subject=Ref.to(found), limit=100)
    return render(
        "admin/returns/detail.html",
        found=found,
        line=line,
        lead=lead,
        consent=consents_of([lead.id]).get(lead.id),
        batch=get(Batch, lead.batch_id),
        quality=verification.published_quality(lead.batch_id),
        known=verification.known_outcome(lead.id),
        rules=fulfillment.rules_of(line),
        names=queries.names({found.buyer_id, found.seller_id}),
        rates=queries.return_rates(found),
        is_contested=found.status is ReturnStatus.CONTESTED,
        is_open=found.status in fulfillment.OPEN,
        history=timeline.entries(events.items),
    )


@blueprint.post("/returns/<return_id>/decide")
@requires(Permission.RETURN_ARBITRATE)
@again_with_errors(lead_return)
@idempotent
def decide(return_id: str) -> ResponseReturnValue:
    """The first decision, or the last word where the seller has objected."""
    found = _return(return_id)
    verb = verbs.arbitrate if found.status is ReturnStatus.CONTESTED else verbs.decide
    verb(return_id=found.id, actor=actor(), **load_form(DecisionForm()))
    return see_other("admin.lead_return", return_id=return_id, toast=_("Both sides are told."))


def _return(return_id: str) -> LeadReturn:
    return fulfillment.get_return(parse_id(return_id, LeadReturn), viewer=None)
