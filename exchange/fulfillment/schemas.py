"""What comes in and goes out at the door of returns and bought contacts."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from exchange.core.forms import IdField, MoneyField, PageQuery
from exchange.fulfillment.conversion_models import CHOSEN, ConversionStatus
from exchange.fulfillment.models import ReturnOutcome, ReturnStatus
from exchange.leads.models import Lead
from exchange.leads.rights import Erasure
from exchange.market.contract_models import Contract
from exchange.market.models import OrderLine

_words = validate.Length(max=2_000)


class NewReturn(Schema):
    line_id = IdField(OrderLine, required=True)
    reason = fields.String(required=True, validate=validate.Length(max=100))
    note = fields.String(load_default="", validate=_words)


class Objection(Schema):
    explanation = fields.String(required=True, validate=validate.Length(min=1, max=2_000))


class ReturnQuery(PageQuery):
    status = fields.List(fields.Enum(ReturnStatus, by_value=True), load_default=list)


class ReturnOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("return")
    created_at = fields.DateTime()
    line_id = IdField(OrderLine)
    lead_id = IdField(Lead)
    reason = fields.String()
    note = fields.String()
    status = fields.Enum(ReturnStatus, by_value=True)
    outcome = fields.Enum(ReturnOutcome, by_value=True, allow_none=True)
    explanation = fields.String()
    evidence = fields.Dict()
    decide_by = fields.DateTime()
    decided_at = fields.DateTime(allow_none=True)
    contest_until = fields.DateTime(allow_none=True)
    contest = fields.String()
    arbitration = fields.String()
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class NewConversion(Schema):
    """An action of a bought lead, under an id of your own: sent twice it is one report."""

    line_id = IdField(OrderLine, required=True)
    reference = fields.String(required=True, validate=validate.Length(min=1, max=100))


class Rejection(Schema):
    reason = fields.String(required=True, validate=validate.OneOf([str(one) for one in CHOSEN]))
    explanation = fields.String(load_default="", validate=_words)


class ConversionQuery(PageQuery):
    status = fields.Enum(ConversionStatus, by_value=True, load_default=None)
    contract_id = IdField(Contract, load_default=None)


class ConversionOut(Schema):
    """An action and what became of it, as one of the two sides sees it."""

    id = fields.String(attribute="conversion.public_id")
    object = fields.Constant("conversion")
    created_at = fields.DateTime(attribute="conversion.created_at")
    contract_id = fields.String(allow_none=True)
    line_id = IdField(OrderLine, attribute="conversion.line_id")
    lead_id = IdField(Lead, attribute="conversion.lead_id")
    reference = fields.String(allow_none=True)
    price = MoneyField(attribute="conversion.price")
    status = fields.Enum(ConversionStatus, by_value=True, attribute="conversion.status")
    decide_by = fields.DateTime(attribute="conversion.decide_by", allow_none=True)
    decided_at = fields.DateTime(attribute="conversion.decided_at", allow_none=True)
    by_default = fields.Boolean(attribute="conversion.by_default")
    reason = fields.String(attribute="conversion.reason")
    explanation = fields.String(attribute="conversion.explanation")
    settled_at = fields.DateTime(attribute="conversion.settled_at", allow_none=True)
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class NoticeQuery(PageQuery):
    only_open = fields.Boolean(load_default=False)


class ErasureNoticeOut(Schema):
    """A buyer is told that a person is erased, and says that they are with the buyer too."""

    id = fields.String(attribute="public_id")
    object = fields.Constant("erasure_notice")
    created_at = fields.DateTime()
    erasure_id = IdField(Erasure)
    line_ids = fields.List(fields.String())
    sent_at = fields.DateTime()
    reminded_at = fields.DateTime(allow_none=True)
    acknowledged_at = fields.DateTime(allow_none=True)
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class EraseForm(Schema):
    """Whom to erase: by a lead, or by phone or e-mail."""

    lead_id = IdField(Lead, load_default=None)
    person = fields.String(load_default=None, validate=validate.Length(max=500))
    country = fields.String(load_default="", validate=validate.Regexp("^[A-Z]{2}$"))


class ConsentOut(Schema):
    """What the person agreed to, as it was shown to them."""

    text = fields.String(allow_none=True)
    given_at = fields.DateTime(allow_none=True)
    page_url = fields.String()
    purposes = fields.List(fields.String())
    buyers = fields.List(fields.String())


class BoughtLeadOut(Schema):
    """A bought lead with its person."""

    id = fields.String(attribute="lead.public_id")
    object = fields.Constant("lead")
    line_id = fields.String(attribute="line.public_id")
    requested_at = fields.DateTime(attribute="lead.requested_at")
    delivered_at = fields.DateTime(attribute="line.delivered_at")
    return_until = fields.DateTime(attribute="line.return_until", allow_none=True)
    action_until = fields.DateTime(attribute="line.action_until", allow_none=True)
    region = fields.String(attribute="lead.region")
    contact = fields.Dict(keys=fields.String(), values=fields.String())
    attributes = fields.Dict(attribute="lead.attributes")
    asks = fields.Integer(attribute="lead.asks")
    last_asked_at = fields.DateTime(attribute="lead.last_asked_at", allow_none=True)
    consent = fields.Nested(ConsentOut, allow_none=True)
