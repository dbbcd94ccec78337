"""The buyer's API of contracts: standing orders, why nothing comes, what a week would bring."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from exchange.buyers import diagnosing, queries
from exchange.buyers.contract_schemas import (
    ContractChange,
    ContractForecast,
    ContractOut,
    ContractQuery,
    ContractSourceOut,
    DiagnosisOut,
    ForecastOut,
    NewContract,
    SourceDecision,
    content_of,
)
from exchange.buyers.offer_schemas import OfferForm, OwnOfferOut
from exchange.buyers.refusing import refused
from exchange.core.db import parse_id
from exchange.core.doors import Blueprint
from exchange.core.errors import NotFound
from exchange.core.forms import list_of
from exchange.core.idempotency import idempotent
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads.queries import fields_of
from exchange.market import queries as market
from exchange.market.contract_health import Limit
from exchange.market.contract_models import Contract, ContractSource
from exchange.market.offer_models import Offer
from exchange.market.services import contracts, offers

blueprint = Blueprint("buyers_api", __name__, description="Contracts of a buyer")
Json = dict[str, Any]  # Any: what the schemas read and write


@blueprint.route("/contracts", methods=["POST"])
@requires(Permission.CONTRACT_WRITE)
@idempotent
@blueprint.arguments(NewContract)
@blueprint.response(201, ContractOut)
def create(form: Json) -> Json:
    """Draft a standing order; with `activate` it begins to buy at once.

    422 names every mistake. Caps and budgets are hard: it never spends more than you set.
    """
    made = contracts.draft(
        vertical_code=form["vertical"],
        name=form["name"],
        price=form["price"],
        pricing_model=form["pricing_model"],
        content=content_of(form),
        actor=actor(),
    )
    if form["activate"]:
        contracts.activate(contract_id=made.id, actor=actor())
    return _contract(made.id)


@blueprint.route("/contracts", methods=["GET"])
@requires(Permission.CONTRACT_READ)
@blueprint.arguments(ContractQuery, location="query")
@blueprint.response(200, list_of(ContractOut))
def index(asked: Json) -> Json:
    """List your contracts, newest first, each with what limits it."""
    page = queries.contracts(viewer=organization().id, **asked)
    shown = [_shown(row) for row in page.items]
    return {"items": shown, "has_more": page.has_more, "next_cursor": page.next_cursor}


@blueprint.route("/contracts/forecast", methods=["POST"])
@requires(Permission.CONTRACT_READ)
@blueprint.arguments(ContractForecast)
@blueprint.response(200, ForecastOut)
def forecast(form: Json) -> market.Forecast:
    """Say what a week would bring by these terms at this price, from the last 30 days."""
    vertical = contracts.get_vertical(form["vertical"])
    offer = contracts.read_offer(
        vertical,
        name="Forecast",
        price=form["price"],
        pricing_model=form["pricing_model"],
        content=content_of(form),
    )
    return market.forecast(
        offer.terms, price=offer.price, vertical=vertical, viewer=organization().id
    )


@blueprint.route("/contracts/<contract_id>", methods=["GET"])
@requires(Permission.CONTRACT_READ)
@blueprint.response(200, ContractOut)
def show(contract_id: str) -> Json:
    """Show a contract: what it asks, what it used of its caps, what limits it."""
    return _contract(_own(contract_id).id)


@blueprint.route("/contracts/<contract_id>", methods=["PATCH"])
@requires(Permission.CONTRACT_WRITE)
@blueprint.arguments(ContractChange)
@blueprint.response(200, ContractOut)
def change(form: Json, contract_id: str) -> Json:
    """Ask something else from now on (a new version), activate a draft, or end a contract.

    A new price keeps the place among equal prices. Null takes a filter away. With the version that
    you read as `terms_version`, 409 `terms_changed` tells you of a change that you have not seen.
    """
    mine = _own(contract_id)
    contracts.change(
        contract_id=mine.id,
        name=form.get("name"),
        price=form.get("price"),
        content=content_of(form),
        terms_version=form.get("terms_version"),
        actor=actor(),
    )
    step = {"active": contracts.activate, "ended": contracts.end}.get(form.get("status", ""))
    if step is not None:
        step(contract_id=mine.id, actor=actor())
    return _contract(mine.id)


@blueprint.route("/contracts/<contract_id>/pause", methods=["POST"])
@requires(Permission.CONTRACT_WRITE)
@blueprint.response(200, ContractOut)
def pause(contract_id: str) -> Json:
    """Buy nothing for a while; what is ordered already is delivered."""
    return _contract(contracts.pause(contract_id=_own(contract_id).id, actor=actor()).id)


@blueprint.route("/contracts/<contract_id>/resume", methods=["POST"])
@requires(Permission.CONTRACT_WRITE)
@blueprint.response(200, ContractOut)
def resume(contract_id: str) -> Json:
    """Go on buying; a contract that paused after its trial goes on without one."""
    return _contract(contracts.resume(contract_id=_own(contract_id).id, actor=actor()).id)


@blueprint.route("/contracts/<contract_id>/publish", methods=["POST"])
@requires(Permission.CONTRACT_WRITE)
@blueprint.arguments(OfferForm)
@blueprint.response(200, OwnOfferOut)
def publish(form: Json, contract_id: str) -> Offer:
    """Show an active contract to sellers as an offer, or change its words.

    Sellers see your pseudonym, and join with a source; what it posts is yours alone.
    """
    return offers.publish(contract_id=parse_id(contract_id, Contract), actor=actor(), **form)


@blueprint.route("/contracts/<contract_id>/unpublish", methods=["POST"])
@requires(Permission.CONTRACT_WRITE)
@blueprint.response(200, OwnOfferOut)
def unpublish(contract_id: str) -> Offer:
    """Take the offer out of sight: nobody new joins, sources that have joined go on."""
    return offers.unpublish(contract_id=parse_id(contract_id, Contract), actor=actor())


@blueprint.route("/contracts/<contract_id>/diagnosis", methods=["GET"])
@requires(Permission.CONTRACT_READ)
@blueprint.response(200, DiagnosisOut)
def diagnosis(contract_id: str) -> Json:
    """Say why nothing comes, line by line, and which single filter removes most.

    `refusals` are leads that it asked for and did not get in the last 7 days, by reason.
    """
    mine = _own(contract_id)
    found = market.diagnosis(mine)
    lines = diagnosing.checks(found, fields_of(mine.schema_id), language="en")
    return {
        "contract_id": mine.id,
        "limited": _limited(found.standing.limit, diagnosing.reason(found.standing)),
        "checks": [
            {"code": c.code, "ok": c.ok, "label": c.label, "detail": c.detail.in_english()}
            for c in lines
        ],
        "narrowest": found.narrowest and asdict(found.narrowest),
        "refusals": refused(found),
    }


@blueprint.route("/contracts/<contract_id>/sources", methods=["GET"])
@requires(Permission.CONTRACT_READ)
@blueprint.response(200, list_of(ContractSourceOut))
def sources(contract_id: str) -> Json:
    """List the sources that asked to deliver to a contract."""
    found = queries.source_rows(_own(contract_id))
    return {"items": found, "has_more": False, "next_cursor": None}


@blueprint.route("/contracts/<contract_id>/sources/<contract_source_id>", methods=["PATCH"])
@requires(Permission.CONTRACT_WRITE)
@blueprint.arguments(SourceDecision)
@blueprint.response(200, ContractSourceOut)
def decide_source(form: Json, contract_id: str, contract_source_id: str) -> queries.SourceRow:
    """Approve a source, or refuse it."""
    mine, asked_id = _own(contract_id), parse_id(contract_source_id, ContractSource)
    found = market.get_contract_source(asked_id, viewer=organization().id)
    if found.contract_id != mine.id:
        raise NotFound
    verbs = {"approved": contracts.approve_source, "refused": contracts.refuse_source}
    verbs[form["status"]](contract_source_id=found.id, actor=actor())
    return next(row for row in queries.source_rows(mine) if row.asked.id == found.id)


def _own(contract_id: str) -> Contract:
    return market.get_contract(parse_id(contract_id, Contract), viewer=organization().id)


def _contract(contract_id: UUID) -> Json:
    return _shown(queries.get_contract_row(contract_id, viewer=organization().id))


def _shown(row: queries.ContractRow) -> Json:
    used = row.standing.facts.used
    return {
        "contract": row.contract,
        "vertical": row.vertical.code,
        "limited": _limited(row.standing.limit, row.reason),
        "terms": row.terms.to_json(),
        "used": {str(period): found for period, found in used.items()},
        "bought": row.bought,
    }


def _limited(limit: Limit | None, reason: diagnosing.Said | None) -> Json | None:
    return {"by": str(limit), "reason": reason.in_english()} if limit and reason else None
