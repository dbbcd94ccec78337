"""What comes in at the operator's doors."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from exchange.billing.models import AccountKind
from exchange.core.forms import AmountField
from exchange.core.money import Currency
from exchange.fulfillment.models import ReturnOutcome
from exchange.identity.models import OrganizationStatus
from exchange.identity.permissions import OrganizationKind
from exchange.leads.models import BatchStatus, SourceStatus

_line = validate.Length(min=1, max=200)
_words = validate.Length(min=3, max=2_000)
TEN_YEARS = 315_360_000


class OrganizationQuery(Schema):
    status = fields.Enum(OrganizationStatus, by_value=True, load_default=None)
    kind = fields.Enum(OrganizationKind, by_value=True, load_default=None)
    q = fields.String(load_default="", validate=_line)
    cursor = fields.String(load_default=None)


class ReasonForm(Schema):
    reason = fields.String(required=True, validate=_words)


class CreditForm(ReasonForm):
    limit = AmountField(required=True)
    currency = fields.Enum(Currency, by_value=True, required=True)


class VerificationForm(Schema):
    name = fields.String(required=True, validate=_line)
    country = fields.String(required=True, validate=validate.Regexp("^[A-Z]{2}$"))


class SourceQuery(Schema):
    status = fields.Enum(SourceStatus, by_value=True, load_default=None)
    cursor = fields.String(load_default=None)


class StopForm(ReasonForm):
    keep_on_sale = fields.Boolean(load_default=False)


class BatchQuery(Schema):
    status = fields.Enum(BatchStatus, by_value=True, load_default=None)
    cursor = fields.String(load_default=None)


class ChartQuery(Schema):
    vertical = fields.String(load_default="", validate=_line)
    source = fields.String(load_default="", validate=_line)


class ReturnQuery(Schema):
    view = fields.String(load_default="waiting", validate=validate.OneOf(["waiting", "all"]))
    cursor = fields.String(load_default=None)


class DecisionForm(Schema):
    outcome = fields.Enum(ReturnOutcome, by_value=True, required=True)
    explanation = fields.String(required=True, validate=_words)


class AccountQuery(Schema):
    kind = fields.Enum(AccountKind, by_value=True, load_default=None)
    currency = fields.Enum(Currency, by_value=True, load_default=None)


class JournalQuery(Schema):
    subject = fields.String(load_default="")
    cursor = fields.String(load_default=None)


class EventQuery(Schema):
    type = fields.String(load_default="", validate=validate.Regexp(r"^[a-z_]*(\.[a-z_]*)?$"))
    subject = fields.String(load_default="", validate=_line)
    actor = fields.String(load_default="", validate=_line)
    cursor = fields.String(load_default=None)


class DefinitionForm(Schema):
    definition = fields.String(required=True, validate=validate.Length(max=500_000))


class ClockForm(Schema):
    seconds = fields.Integer(required=True, strict=False, validate=validate.Range(1, TEN_YEARS))


class ClockOut(Schema):
    object = fields.Constant("clock")
    now = fields.AwareDateTime(format="iso", metadata={"description": "The time from now on."})
