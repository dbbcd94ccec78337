"""What comes in and goes out at the doors of contracts: flat, as the pointers of mistakes say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from exchange.catalog.policies import QualityClass
from exchange.core.forms import IdField, MoneyField, PageQuery
from exchange.leads.models import LeadKind, Source
from exchange.market.allocation import Refusal
from exchange.market.contract_models import Contract, ContractSourceStatus, ContractStatus
from exchange.market.contract_terms import PastDue, Period
from exchange.market.models import PricingModel

_TIME = validate.Regexp(r"([01]\d|2[0-3]):[0-5]\d\Z")


class CapsBody(Schema):
    """The most that is bought in a period, in leads and in minor units."""

    leads = fields.Dict(keys=fields.Enum(Period, by_value=True), values=fields.Integer(strict=True))
    amount = fields.Dict(
        keys=fields.Enum(Period, by_value=True), values=fields.Integer(strict=True)
    )


# A span of the schedule, by the contract's clock; `from` is a word of Python.
OpeningBody = Schema.from_dict(
    {
        "days": fields.List(
            fields.Integer(strict=True), required=True, metadata={"description": "0 is Monday"}
        ),
        "from": fields.String(required=True, validate=_TIME),
        "to": fields.String(
            required=True,
            validate=_TIME,
            metadata={"description": "the first minute that is out; 00:00 ends the day"},
        ),
        "price": fields.Integer(strict=True, metadata={"description": "minor units, then"}),
    },
    name="OpeningBody",
)


class RadiusBody(Schema):
    postal_code = fields.String(required=True, validate=validate.Length(1, 20))
    km = fields.Integer(required=True, strict=True)


class ActionBody(Schema):
    """What is paid for under CPA."""

    action = fields.String(required=True)
    attribution_days = fields.Integer(load_default=30, strict=True)
    decision_days = fields.Integer(load_default=14, strict=True)
    past_due = fields.Enum(PastDue, by_value=True, load_default=PastDue.APPROVE)


class AnyJson(fields.Field[Any]):
    """Criteria: read by the verb, which knows the fields."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:  # Any: unchecked JSON
        if not isinstance(value, dict):
            raise ValidationError("Criteria are a JSON object.")
        return value


class TermsBody(Schema):
    """What a contract asks; what is null or missing does not narrow."""

    time_zone = fields.String()
    criteria = AnyJson(metadata={"description": "conditions on the fields of the vertical"})
    regions = fields.List(fields.String(), allow_none=True)
    postal_codes = fields.List(fields.String(), allow_none=True)
    radius = fields.Nested(RadiusBody, allow_none=True)
    kinds = fields.List(fields.Enum(LeadKind, by_value=True))
    quality_classes = fields.List(fields.Enum(QualityClass, by_value=True), allow_none=True)
    age_hours_max = fields.Integer(strict=True, allow_none=True)
    bad_upper_max_bps = fields.Integer(
        strict=True, allow_none=True, metadata={"description": "basis points of the upper bound"}
    )
    checked_only = fields.Boolean()
    sellers_only = fields.List(fields.String(), allow_none=True)
    sellers_never = fields.List(fields.String(), allow_none=True)
    sources_never = fields.List(fields.String(), allow_none=True)
    approves_sources = fields.Boolean()
    caps = fields.Nested(CapsBody, allow_none=True)
    schedule = fields.List(fields.Nested(OpeningBody), allow_none=True)
    starts_at = fields.AwareDateTime(allow_none=True)
    ends_at = fields.AwareDateTime(allow_none=True)
    trial_leads = fields.Integer(strict=True, allow_none=True)
    action = fields.Nested(ActionBody, allow_none=True)


def content_of(form: Mapping[str, Any]) -> dict[str, Any]:  # Any: loaded by a schema; JSON
    """What of a loaded form are terms, as JSON."""
    return {name: _plain(value) for name, value in form.items() if name in TermsBody().fields}


def _plain(value: Any) -> Any:  # Any: as above
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


class ContractChange(TermsBody):
    """What changes; a new price or other terms are a new version."""

    name = fields.String()
    price = MoneyField(metadata={"description": "of one lead, or of one action"})
    status = fields.String(validate=validate.OneOf(["active", "ended"]))
    terms_version = fields.Integer(
        strict=True, metadata={"description": "that you read; another than the newest is refused"}
    )


class ContractForecast(TermsBody):
    """Terms that nobody has agreed to yet."""

    vertical = fields.String(required=True, metadata={"description": "code"})
    price = MoneyField(required=True)
    pricing_model = fields.Enum(PricingModel, by_value=True, load_default=PricingModel.CPL)


class NewContract(ContractForecast):
    """A standing order. It is a draft until it is activated."""

    name = fields.String(required=True)
    activate = fields.Boolean(load_default=False)


class ContractQuery(PageQuery):
    status = fields.Enum(ContractStatus, by_value=True, load_default=None)


class SourceDecision(Schema):
    """The buyer's word about a seller's source."""

    status = fields.String(required=True, validate=validate.OneOf(["approved", "refused"]))


class LimitOut(Schema):
    """What keeps the contract from buying now, and why in words."""

    by = fields.String()
    reason = fields.String()


class UsedOut(Schema):
    leads = fields.Integer()
    amount = fields.Integer(metadata={"description": "minor units"})


class BoughtOut(Schema):
    """What came by the contract, without leads let go of before delivery."""

    leads = fields.Integer()
    today = fields.Integer(metadata={"description": "in the last 24 hours"})
    week = fields.Integer()
    delivered = fields.Integer()
    returned = fields.Integer()
    checked = fields.Integer(metadata={"description": "verified by us"})
    actions = fields.Integer(metadata={"description": "that were paid (CPA)"})
    spent = MoneyField()
    per_lead = MoneyField()
    per_action = MoneyField()
    last_at = fields.DateTime(allow_none=True)


class ContractOut(Schema):
    id = fields.String(attribute="contract.public_id")
    object = fields.Constant("contract")
    created_at = fields.DateTime(attribute="contract.created_at")
    name = fields.String(attribute="contract.name")
    vertical = fields.String()
    status = fields.Enum(ContractStatus, by_value=True, attribute="contract.status")
    pause_reason = fields.String(attribute="contract.pause_reason")
    limited = fields.Nested(LimitOut, allow_none=True)
    pricing_model = fields.Enum(PricingModel, by_value=True, attribute="contract.pricing_model")
    price = MoneyField(attribute="contract.price")
    terms_version = fields.Integer(attribute="contract.terms_version")
    terms = fields.Dict(metadata={"description": "what it asks, in the form in which it is sent"})
    used = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(UsedOut),
        metadata={"description": "by period of the contract's clock"},
    )
    bought = fields.Nested(BoughtOut)
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class DiagnosisLineOut(Schema):
    """One line of the checklist; `ok` is null where it cannot be told."""

    code = fields.String()
    ok = fields.Boolean(allow_none=True)
    label = fields.String()
    detail = fields.String()


class RefusedOut(Schema):
    """Leads that the contract asked for and did not get, for one reason."""

    reason = fields.Enum(Refusal, by_value=True)
    detail = fields.String(attribute="text")
    leads = fields.Integer(metadata={"description": "where attributes are asked, five or more"})
    first_day = fields.Date(attribute="first", metadata={"description": "UTC"})
    last_day = fields.Date(attribute="last", metadata={"description": "UTC"})
    fix = fields.String(metadata={"description": "what would mend it; empty: nothing of yours"})


class DiagnosisOut(Schema):
    """Why nothing comes, and the one filter that removes most."""

    object = fields.Constant("diagnosis")
    contract_id = IdField(Contract)
    limited = fields.Nested(LimitOut, allow_none=True)
    checks = fields.List(fields.Nested(DiagnosisLineOut))
    narrowest = fields.Dict(allow_none=True)
    refusals = fields.List(fields.Nested(RefusedOut))


class RangeOut(Schema):
    low = fields.Integer()
    high = fields.Integer()


class ForecastOut(Schema):
    """A week, as a range that holds in about 4 of 5 weeks; `silence` says why there is none."""

    object = fields.Constant("forecast")
    days = fields.Integer(metadata={"description": "of history"})
    looked_at = fields.Integer()
    silence = fields.String(allow_none=True)
    matched = fields.Integer(allow_none=True, metadata={"description": "in those days"})
    week = fields.Nested(RangeOut, allow_none=True)
    won = fields.Nested(RangeOut, allow_none=True)
    spend = fields.Nested(
        RangeOut, allow_none=True, metadata={"description": "minor units; null under CPA"}
    )
    limited_by = fields.String(allow_none=True)
    wallet = MoneyField(allow_none=True)
    wallet_days = fields.Nested(
        RangeOut,
        allow_none=True,
        metadata={"description": "until the wallet is spent; 30 or more is 30"},
    )


class ContractSourceOut(Schema):
    """A seller's source that asked to deliver to the contract."""

    id = fields.String(attribute="asked.public_id")
    object = fields.Constant("contract_source")
    created_at = fields.DateTime(attribute="asked.created_at")
    status = fields.Enum(ContractSourceStatus, by_value=True, attribute="asked.status")
    source_id = IdField(Source, attribute="asked.source_id")
    seller = fields.String()
    source = fields.String()
