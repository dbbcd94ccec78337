"""What comes in and goes out where a contract is shown as an offer."""

from __future__ import annotations

from marshmallow import Schema, fields

from exchange.core.forms import IdField
from exchange.market.contract_models import Contract
from exchange.market.offer_models import OfferStatus


class OfferForm(Schema):
    """The words that sellers read; what is wrong with them is said by the verb."""

    headline = fields.String(load_default="")
    description = fields.String(load_default="")


class OwnOfferOut(Schema):
    """A contract as it is shown to sellers."""

    id = fields.String(attribute="public_id")
    object = fields.Constant("offer")
    created_at = fields.DateTime()
    published_at = fields.DateTime()
    contract = IdField(Contract, attribute="contract_id")
    status = fields.Enum(OfferStatus, by_value=True)
    headline = fields.String()
    description = fields.String()
