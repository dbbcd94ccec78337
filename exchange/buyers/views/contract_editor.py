"""The editor of a contract: one long page, with a forecast that follows what is filled in.

Without a script a button shows the forecast; nothing is kept before "Save".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from exchange.buyers import queries
from exchange.buyers.contract_form import (
    Reader,
    Sheet,
    amount_text,
    rows_of,
    sheet_of,
    sheet_of_market,
    unasked,
)
from exchange.buyers.presets import Preset, get_preset, title_of
from exchange.buyers.views.blueprint import blueprint
from exchange.catalog import queries as catalog
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.errors import FieldProblem, Invalid
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, is_fragment, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads.queries import vertical_of
from exchange.market import queries as market
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import Period, Terms
from exchange.market.filters import choosable
from exchange.market.models import PricingModel
from exchange.market.queries import Forecast
from exchange.market.queries.contracts import Bought
from exchange.market.services import contracts as verbs


@dataclass(frozen=True, slots=True)
class Editing:
    """What is edited: a contract that exists, or one to be, in one vertical."""

    vertical: Vertical
    fields: LeadFields  # the newest of the vertical
    contract: Contract | None = None


@blueprint.get("/contracts/new")
@requires(Permission.CONTRACT_WRITE)
def new_contract() -> Response:
    """A new one: empty, from the market or the gallery (`preset`), or like another (`copy`)."""
    if "copy" in request.args:
        former = _own(request.args["copy"])
        copied = _sheet_of_contract(former)
        copied["name"] = _("Copy of %(name)s", name=former.contract.name if former.contract else "")
        return _page(Editing(former.vertical, former.fields), copied)
    code = request.values.get("vertical")
    if not code:
        return render("buyers/contracts/new.html", verticals=catalog.verticals())
    editing = _new(code)
    if request.method == "POST":
        return _page(editing, request.form)
    if "preset" in request.args:
        return _page(
            editing, _sheet_of_preset(editing, get_preset(request.args["preset"], editing.vertical))
        )
    return _page(editing, _sheet_of_wishes(editing))


@blueprint.post("/contracts")
@requires(Permission.CONTRACT_WRITE)
@again_with_errors(new_contract)
@idempotent
def create_contract() -> ResponseReturnValue:
    editing = _new(verbs.get_vertical(request.form.get("vertical", "")).code)
    made = _saved(editing)
    if request.form.get("activate"):
        verbs.activate(contract_id=made.id, actor=actor())
        said = _("The contract is on: leads that fit are bought as they come.")
    else:
        said = _("The contract is a draft. It buys nothing before it is activated.")
    return see_other("buyers.contract", contract_id=made.public_id, toast=said)


@blueprint.get("/contracts/<contract_id>/edit")
@requires(Permission.CONTRACT_WRITE)
def edit_contract(contract_id: str) -> Response:
    editing = _own(contract_id)
    is_again = request.method == "POST"
    return _page(editing, request.form if is_again else _sheet_of_contract(editing))


@blueprint.post("/contracts/<contract_id>")
@requires(Permission.CONTRACT_WRITE)
@again_with_errors(edit_contract)
@idempotent
def change_contract(contract_id: str) -> ResponseReturnValue:
    made = _saved(_own(contract_id))
    said = _("Saved. What was bought before keeps its terms.")
    return see_other("buyers.contract", contract_id=made.public_id, toast=said)


@blueprint.post("/contracts/forecast")
@requires(Permission.CONTRACT_WRITE)
def forecast_contract() -> Response:
    """The forecast alone for htmx; without a script the page again with it."""
    known = request.form.get("contract")
    editing = _own(known) if known else _new(request.form.get("vertical", ""))
    try:
        found = _forecast(editing)
    except Invalid:
        found = None
    if is_fragment():
        return render("buyers/contracts/_forecast.html", forecast=found, is_asked=True)
    return _page(editing, request.form, forecast=found, is_asked=True)


def _page(
    editing: Editing, sheet: Sheet, *, forecast: Forecast | None = None, is_asked: bool = False
) -> Response:
    return render(
        "buyers/contracts/edit.html",
        editing=editing,
        sheet=sheet,
        rows=rows_of(sheet),
        periods=list(Period),
        choosable=choosable(editing.fields),
        market=queries.market_of(editing.vertical),
        bought=_bought(editing.contract),
        forecast=forecast,
        is_asked=is_asked,
        may_activate=organization().is_approved,
        unasked=unasked(request.args, editing.fields),
        is_stale=_is_stale(editing),
    )


def _bought(contract: Contract | None) -> Bought | None:
    """What came so far of a contract that pays for actions: it says what a lead costs there."""
    if contract is None or contract.pricing_model is not PricingModel.CPA:
        return None
    return market.bought_by_contracts([contract], now=clock.now())[contract.id]


def _is_stale(editing: Editing) -> bool:
    """Whether what was sent was begun from a version that is not the newest any more."""
    read = request.form.get("terms_version", type=int)
    return bool(read and editing.contract and read != editing.contract.terms_version)


def _saved(editing: Editing) -> Contract:
    """Save what was sent. Raises Invalid with the mistakes of the form and of the terms."""
    reader = Reader(request.form, editing.fields)
    content, price = reader.content(), Money(reader.price(), editing.vertical.currency)
    try:
        made = _save(editing, content, price)
    except Invalid as error:
        raise Invalid(errors=(*reader.problems, *_without(error, reader))) from error
    if reader.problems:
        raise Invalid(errors=tuple(reader.problems))
    return made


def _save(editing: Editing, content: dict[str, Any], price: Money) -> Contract:  # Any: JSON
    name = request.form.get("name", "")
    if editing.contract is not None:
        return verbs.change(
            contract_id=editing.contract.id,
            name=name,
            price=price,
            content=content,
            terms_version=request.form.get("terms_version", type=int),
            actor=actor(),
        )
    return verbs.draft(
        vertical_code=editing.vertical.code,
        name=name,
        price=price,
        pricing_model=_pricing_model(),
        content=content,
        actor=actor(),
    )


def _without(error: Invalid, reader: Reader) -> list[FieldProblem]:
    """What the terms refuse, but for fields that could not be read in the first place."""
    unread = {problem.pointer for problem in reader.problems}
    return [one for one in error.errors if one.pointer not in unread]


def _forecast(editing: Editing) -> Forecast:
    reader = Reader(request.form, editing.fields)
    content, price = reader.content(), Money(reader.price(), editing.vertical.currency)
    if reader.problems:
        raise Invalid(errors=tuple(reader.problems))
    offer = verbs.read_offer(
        editing.vertical,
        name="Forecast",
        price=price,
        pricing_model=_pricing_model(),
        content=content,
    )
    return market.forecast(
        offer.terms,
        price=offer.price,
        vertical=editing.vertical,
        viewer=organization().id,
        contract_id=editing.contract.id if editing.contract else None,
    )


def _pricing_model() -> PricingModel:
    is_cpa = request.form.get("pricing_model") == PricingModel.CPA
    return PricingModel.CPA if is_cpa else PricingModel.CPL


def _new(code: str) -> Editing:
    vertical = catalog.get_vertical(code)
    return Editing(vertical, catalog.get_schema(vertical).fields)


def _own(contract_id: str) -> Editing:
    found = market.get_contract(parse_id(contract_id, Contract), viewer=organization().id)
    vertical = vertical_of(found.vertical_id)
    return Editing(vertical, catalog.get_schema(vertical).fields, found)


def _sheet_of_contract(editing: Editing) -> Sheet:
    found = editing.contract
    assert found is not None  # of a contract that exists
    sheet = sheet_of(market.terms_of(found), editing.fields)
    sheet["name"], sheet["price"] = found.name, amount_text(found.price.amount)
    sheet["pricing_model"] = str(found.pricing_model)
    return sheet


def _sheet_of_preset(editing: Editing, preset: Preset) -> Sheet:
    sheet = sheet_of(preset.terms, editing.fields)
    sheet["name"] = title_of(preset, language=str(get_locale()))
    sheet["price"] = amount_text(preset.price.amount) if preset.price else ""
    return sheet


def _sheet_of_wishes(editing: Editing) -> Sheet:
    usual = sheet_of(Terms(time_zone=editing.vertical.time_zone), editing.fields)
    wished = sheet_of_market(request.args, editing.fields)
    for name, values in wished.lists():
        if any(values):
            usual.setlist(name, values)
    return MultiDict(usual)
