"""Contracts: the list with what limits each, one with its checklist, switching on and off."""

from __future__ import annotations

from typing import Final

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.buyers import diagnosing, queries
from exchange.buyers.refusing import refused
from exchange.buyers.schemas import ContractsQuery
from exchange.buyers.views.blueprint import blueprint
from exchange.core.db import parse_id
from exchange.core.errors import NotFound
from exchange.core.web import again_with_errors, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import words
from exchange.leads.queries import fields_of
from exchange.market import queries as market
from exchange.market.contract_models import Contract, ContractSource, ContractStatus
from exchange.market.contract_terms import Period
from exchange.market.services import contracts as verbs

STEPS: Final = {
    "activate": verbs.activate, "pause": verbs.pause, "resume": verbs.resume, "end": verbs.end,
}  # fmt: skip
DECISIONS: Final = {"approve": verbs.approve_source, "refuse": verbs.refuse_source}
ORDERS_SHOWN: Final = 10


@blueprint.get("/contracts")
@requires(Permission.CONTRACT_READ)
def contracts() -> Response:
    asked = load_query(ContractsQuery())
    return render(
        "buyers/contracts/index.html",
        block="results",
        page=queries.contracts(viewer=organization().id, **asked),
        asked=asked,
        statuses=list(ContractStatus),
    )


@blueprint.get("/contracts/<contract_id>")
@requires(Permission.CONTRACT_READ)
def contract(contract_id: str) -> Response:
    ours = organization()
    row = queries.get_contract_row(parse_id(contract_id, Contract), viewer=ours.id)
    fields = fields_of(row.contract.schema_id)
    found = market.diagnosis(row.contract)
    return render(
        "buyers/contracts/detail.html",
        row=row,
        checks=diagnosing.checks(found, fields, language=str(get_locale())),
        refusals=refused(found),
        fields=fields,
        asks=row.terms.to_json().get("criteria"),
        periods=list(Period),
        versions=queries.versions(row.contract),
        sources=queries.source_rows(row.contract),
        offer=market.find_offer(row.contract.id),
        channels=words.CHANNELS,
        orders=queries.orders(viewer=ours.id, contract_id=row.contract.id, limit=ORDERS_SHOWN),
        leads=queries.bought_leads(viewer=ours.id, contract_id=row.contract.id, limit=ORDERS_SHOWN),
    )


@blueprint.post("/contracts/<contract_id>/steps/<step>")
@requires(Permission.CONTRACT_WRITE)
@again_with_errors(lambda contract_id, **_step: contract(contract_id))
def move_contract(contract_id: str, step: str) -> ResponseReturnValue:
    """Activate, pause, resume or end; the list's buttons lead back to the list."""
    mine = market.get_contract(parse_id(contract_id, Contract), viewer=organization().id)
    if step not in STEPS:
        raise NotFound
    STEPS[step](contract_id=mine.id, actor=actor())
    said = {
        "activate": _("The contract is on: leads that fit are bought as they come."),
        "pause": _("The contract is paused."),
        "resume": _("The contract buys again."),
        "end": _("The contract has ended."),
    }[step]
    if request.form.get("back") == "list":
        return see_other("buyers.contracts", toast=said)
    return see_other("buyers.contract", contract_id=contract_id, toast=said)


@blueprint.post("/contracts/<contract_id>/sources/<contract_source_id>/<step>")
@requires(Permission.CONTRACT_WRITE)
@again_with_errors(lambda contract_id, **_rest: contract(contract_id))
def decide_source(contract_id: str, contract_source_id: str, step: str) -> ResponseReturnValue:
    """Approve a seller's source, or refuse it."""
    ours = organization().id
    mine = market.get_contract(parse_id(contract_id, Contract), viewer=ours)
    asked_id = parse_id(contract_source_id, ContractSource)
    found = market.get_contract_source(asked_id, viewer=ours)
    if found.contract_id != mine.id or step not in DECISIONS:
        raise NotFound
    DECISIONS[step](contract_source_id=found.id, actor=actor())
    said = _("The source may deliver.") if step == "approve" else _("The source is refused.")
    return see_other("buyers.contract", contract_id=contract_id, toast=said)
