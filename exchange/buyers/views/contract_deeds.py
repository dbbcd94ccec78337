"""Several contracts at once: paused, resumed, or paid more or less for.

What costs more is shown first and asked again; the second time says which versions were seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from exchange.buyers.schemas import DeedForm, PricesForm
from exchange.buyers.views.blueprint import blueprint
from exchange.buyers.views.contracts import contracts
from exchange.core.errors import FieldProblem, Invalid
from exchange.core.idempotency import idempotent
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries as market
from exchange.market.contract_models import Contract, ContractStatus
from exchange.market.services import contracts as verbs

MOVES: Final = {
    "pause": (verbs.pause, ContractStatus.ACTIVE), "resume": (verbs.resume, ContractStatus.PAUSED),
}  # fmt: skip


@blueprint.post("/contracts/deeds")
@requires(Permission.CONTRACT_WRITE)
@again_with_errors(contracts)
def move_contracts() -> ResponseReturnValue:
    """Pause or resume those of the chosen ones that can be; a new price is asked about first."""
    form = load_form(DeedForm())
    chosen = _chosen(form["ids"])
    if form["deed"] == "price":
        return _prices(chosen, form["percent"])
    move, before = MOVES[form["deed"]]
    moved = [one for one in chosen if one.status is before]
    for one in moved:
        move(contract_id=one.id, actor=actor())
    n, is_pause = len(moved), form["deed"] == "pause"
    paused = ngettext("%(num)s contract is paused.", "%(num)s contracts are paused.", n)
    resumed = ngettext("%(num)s contract buys again.", "%(num)s contracts buy again.", n)
    return see_other("buyers.contracts", toast=paused if is_pause else resumed)


@blueprint.post("/contracts/prices")
@requires(Permission.CONTRACT_WRITE)
@again_with_errors(contracts)
@idempotent
def change_prices() -> ResponseReturnValue:
    """Pay what was shown, by every one of them or by none."""
    form = load_form(PricesForm())
    for one in _chosen(form["ids"]):
        verbs.change(
            contract_id=one.id,
            price=one.price.plus_percent(form["percent"]),
            terms_version=request.form.get(f"version.{one.public_id}", type=int),
            actor=actor(),
        )
    return see_other("buyers.contracts", toast=_("The new prices hold from now on."))


def _prices(chosen: Sequence[Contract], percent: int | None) -> Response:
    if not percent:
        problem = FieldProblem("/percent", "missing_required", "Say by how many percent.")
        raise Invalid(errors=(problem,))
    prices = [(one, one.price.plus_percent(percent)) for one in chosen]
    return render("buyers/contracts/prices.html", prices=prices, percent=percent)


def _chosen(contract_ids: Collection[UUID]) -> list[Contract]:
    """Our contracts in the order in which they are locked. Raises NotFound, Invalid for none."""
    if not contract_ids:
        raise Invalid("Choose contracts first.")
    viewer = organization().id
    found = [market.get_contract(one, viewer=viewer) for one in sorted(set(contract_ids))]
    return [one for one in found if one.status is not ContractStatus.ENDED]
