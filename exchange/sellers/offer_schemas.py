"""What goes in and out at the doors of the wanted board and of offers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from exchange.catalog.policies import QualityClass
from exchange.core.forms import IdField, MoneyField, PageQuery
from exchange.leads.post_models import SourceTerms
from exchange.market.contract_models import Contract, ContractSourceStatus
from exchange.market.contract_terms import PastDue
from exchange.market.models import PricingModel
from exchange.market.offer_models import OfferStatus

_text = validate.Length(max=200)


class WantedQuery(Schema):
    vertical = fields.String(load_default="", validate=_text, metadata={"description": "code"})
    region = fields.String(load_default="", validate=_text)


class OffersQuery(PageQuery):
    """Which offers; `region` keeps those that take leads from there."""

    vertical = fields.String(load_default="", validate=_text, metadata={"description": "code"})
    region = fields.String(load_default="", validate=_text)
    pricing_model = fields.Enum(PricingModel, by_value=True, load_default=None)


class JoinForm(Schema):
    """With which source, and what its leads promise."""

    source = fields.String(
        required=True,
        validate=validate.Length(min=1, max=200),
        metadata={"description": "name or id of your source"},
    )
    quality_class = fields.Enum(QualityClass, by_value=True, load_default=QualityClass.STANDARD)
    declared_unsold = fields.Boolean(load_default=False)


class BidsOut(Schema):
    low = MoneyField()
    median = MoneyField()
    high = MoneyField()
    n = fields.Integer()


class WantedOut(Schema):
    """What is wanted of a vertical in a region; `null` is few, or not enough to tell."""

    object = fields.Constant("wanted")
    vertical = fields.String()
    region = fields.String(
        attribute="row.region",
        metadata={"description": "empty: of contracts that name no region"},
    )
    contracts = fields.Integer(attribute="row.contracts", allow_none=True)
    prices = fields.Function(
        lambda seen: {str(k): BidsOut().dump(v) for k, v in seen["row"].prices.items()},
        metadata={"type": "object", "description": "quartiles by pricing model, where enough pay"},
    )
    unfilled_today = fields.Integer(attribute="row.unfilled", allow_none=True)
    has_open = fields.Boolean(
        attribute="row.is_open", metadata={"description": "some contracts have no daily cap"}
    )
    required_fields = fields.List(fields.String(), attribute="required")
    asked_fields = fields.Dict(
        keys=fields.String(),
        values=fields.Float(),
        attribute="row.asked",
        metadata={"description": "share of contracts that ask about each attribute"},
    )


class ActionOut(Schema):
    action = fields.String()
    attribution_days = fields.Integer()
    decision_days = fields.Integer()
    past_due = fields.Enum(PastDue, by_value=True)


class JoinedOut(Schema):
    """A source of yours that joined an offer."""

    id = fields.String(attribute="joined.public_id")
    object = fields.Constant("contract_source")
    created_at = fields.DateTime(attribute="joined.created_at")
    source = fields.String(attribute="source.name")
    status = fields.Enum(ContractSourceStatus, by_value=True, attribute="joined.status")
    closed_reason = fields.String(
        attribute="terms.closed_reason", metadata={"description": "empty: leads are taken"}
    )
    price = MoneyField(attribute="terms.price", metadata={"description": "you agreed to"})
    terms = IdField(SourceTerms, attribute="terms.id")
    contract = IdField(Contract, attribute="joined.contract_id")
    posted = fields.Integer()
    leads = fields.Function(
        lambda seen: {str(status): n for status, n in seen.counts.items()},
        metadata={"type": "object", "description": "sold leads by what became of them"},
    )


class PartOut(Schema):
    share = fields.Float(allow_none=True, metadata={"description": "null: n is under twenty"})
    n = fields.Integer()


class WaitOut(Schema):
    median_seconds = fields.Function(
        lambda wait: wait.median and round(wait.median.total_seconds()),
        metadata={"type": ["integer", "null"], "description": "null: n is under twenty"},
    )
    n = fields.Integer()


class OfferRecordOut(Schema):
    """What became of the leads that all sellers brought for the offer."""

    taken = fields.Nested(PartOut, metadata={"description": "of those that met the contract"})
    paid = fields.Nested(PartOut, metadata={"description": "of the delivered that came to an end"})
    approved = fields.Nested(PartOut, metadata={"description": "actions, of the decided ones"})
    delivery = fields.Nested(WaitOut, metadata={"description": "from the post"})
    payment = fields.Nested(WaitOut, metadata={"description": "from the post to the money"})


def _terms(name: str) -> Any:  # Any: marshmallow's field
    return fields.List(fields.String(), attribute=f"view.terms.{name}")


class OfferOut(Schema):
    """What a buyer offers for leads; the buyer is a pseudonym."""

    id = fields.String(attribute="view.offer.public_id")
    object = fields.Constant("offer")
    created_at = fields.DateTime(attribute="view.offer.created_at")
    published_at = fields.DateTime(attribute="view.offer.published_at")
    status = fields.Enum(OfferStatus, by_value=True, attribute="view.offer.status")
    contract = IdField(Contract, attribute="view.offer.contract_id")
    headline = fields.String(attribute="view.offer.headline")
    description = fields.String(attribute="view.offer.description")
    buyer = fields.String(attribute="view.buyer")
    vertical = fields.String(attribute="view.vertical.code")
    pricing_model = fields.Enum(
        PricingModel, by_value=True, attribute="view.contract.pricing_model"
    )
    price = MoneyField(
        attribute="view.contract.price", metadata={"description": "of a lead, or of an action"}
    )
    regions = _terms("regions")
    postal_codes = _terms("postal_codes")
    quality_classes = _terms("quality_classes")
    age_hours_max = fields.Integer(attribute="view.terms.age_hours_max", allow_none=True)
    checked_only = fields.Boolean(attribute="view.terms.checked_only")
    criteria = fields.Dict()
    action = fields.Nested(ActionOut, attribute="view.terms.action", allow_none=True)
    return_window_hours = fields.Integer(attribute="view.return_window_hours")
    leads_taken = fields.Integer(attribute="view.figures.taken", allow_none=True)
    returned_share = fields.Float(attribute="view.figures.returned", allow_none=True)
    record = fields.Nested(
        OfferRecordOut, allow_none=True, metadata={"description": "null: no lead was brought"}
    )
    joined = fields.List(fields.Nested(JoinedOut))
