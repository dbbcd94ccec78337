"""A contract as an offer: shown to sellers, reworded, taken out of sight."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.buyers.offer_schemas import OfferForm
from exchange.buyers.views.blueprint import blueprint
from exchange.buyers.views.contracts import contract
from exchange.core.db import parse_id
from exchange.core.web import again_with_errors, load_form, see_other
from exchange.identity.access import actor, requires
from exchange.identity.permissions import Permission
from exchange.market.contract_models import Contract
from exchange.market.services import offers as verbs


@blueprint.post("/contracts/<contract_id>/publish")
@requires(Permission.CONTRACT_WRITE)
@again_with_errors(contract)
def publish_offer(contract_id: str) -> ResponseReturnValue:
    form = load_form(OfferForm())
    verbs.publish(contract_id=parse_id(contract_id, Contract), actor=actor(), **form)
    return see_other("buyers.contract", contract_id=contract_id, toast=_("Sellers see the offer."))


@blueprint.post("/contracts/<contract_id>/unpublish")
@requires(Permission.CONTRACT_WRITE)
def unpublish_offer(contract_id: str) -> ResponseReturnValue:
    verbs.unpublish(contract_id=parse_id(contract_id, Contract), actor=actor())
    toast = _("Nobody new joins. Sources that have joined go on.")
    return see_other("buyers.contract", contract_id=contract_id, toast=toast)
