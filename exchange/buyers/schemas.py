"""What comes in at the buyer's door: what is looked for, what is bought, what is asked back."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from exchange.catalog.policies import QualityClass, ReturnReason
from exchange.core.forms import AmountField, IdField
from exchange.fulfillment.conversion_models import CHOSEN, ConversionStatus
from exchange.fulfillment.models import ReturnStatus
from exchange.leads.models import Lead, LeadKind
from exchange.leads.temperature import Temperature
from exchange.market.contract_models import Contract, ContractStatus
from exchange.market.filters import FRESH_HOURS
from exchange.market.models import LineStatus, OrderStatus
from exchange.market.queries import Sort
from exchange.verification.reputation import Grade

KEPT_MAX = 2_000  # characters of a kept address
BAD_MAX = (5, 8, 10, 15)  # percent, of the upper bound of bad leads
_text = validate.Length(max=100)
_quantity = validate.Range(1, 1_000)


class CursorQuery(Schema):
    """Where a list goes on; its filters are left out where it has none."""

    cursor = fields.String(load_default=None)


class MarketQuery(CursorQuery):
    """What a buyer looks for; what is left empty does not narrow."""

    vertical = fields.String(load_default=None, validate=_text)
    region = fields.String(load_default=None, validate=_text)
    fresh = fields.Integer(load_default=None, validate=validate.OneOf(FRESH_HOURS))
    quality_class = fields.Enum(QualityClass, by_value=True, load_default=None)
    temperature = fields.Enum(Temperature, by_value=True, load_default=None)
    grade = fields.Enum(Grade, by_value=True, load_default=None)
    kind = fields.Enum(LeadKind, by_value=True, load_default=None)
    price_min = AmountField(load_default=None)
    price_max = AmountField(load_default=None)
    bad_max = fields.Integer(load_default=None, validate=validate.OneOf(BAD_MAX))
    has = fields.String(load_default=None, validate=_text)
    checked = fields.Boolean(load_default=False)
    aged = fields.Boolean(load_default=None)
    sort = fields.Enum(Sort, by_value=True, load_default=Sort.NEWEST)


class SavedSearchForm(Schema):
    """A name for what is looked for now; whether new listings are told of."""

    name = fields.String(required=True, validate=validate.Length(1, 60))
    query = fields.String(load_default="", validate=validate.Length(max=KEPT_MAX))
    notifies = fields.Boolean(load_default=False)


class ListingQuery(CursorQuery):
    """How one listing is narrowed; choices of its fields come beside it as `a.<field>`."""

    region = fields.String(load_default=None, validate=_text)
    fresh = fields.Integer(load_default=None, validate=validate.OneOf(FRESH_HOURS))


class WishQuery(ListingQuery):
    """How many leads of a listing; chosen leads come beside it as `ids`."""

    quantity = fields.Integer(load_default=None, validate=_quantity)


class OrderForm(WishQuery):
    """A wish with the terms under which it was made."""

    ids = fields.List(IdField(Lead), load_default=list)
    terms_version = fields.Integer(required=True)


class TryForm(Schema):
    """The terms on which a listing is tried."""

    terms_version = fields.Integer(required=True)


class BidForm(Schema):
    """A bid: what is paid for each lead, and how many are wanted."""

    amount = AmountField(required=True)
    units = fields.Integer(required=True, validate=_quantity)


class AuctionsQuery(CursorQuery):
    mine = fields.Boolean(load_default=False)


class OrdersQuery(CursorQuery):
    status = fields.Enum(OrderStatus, by_value=True, load_default=None)
    contract_id = IdField(Contract, load_default=None, data_key="contract")


class ContractsQuery(CursorQuery):
    status = fields.Enum(ContractStatus, by_value=True, load_default=None)


class PresetsQuery(Schema):
    """Of which kind of lead."""

    vertical = fields.String(load_default="", validate=_text)


class PricesForm(Schema):
    """By how much contracts pay more, or less."""

    ids = fields.List(IdField(Contract), load_default=list, validate=validate.Length(max=100))
    percent = fields.Integer(load_default=None, validate=validate.Range(-90, 100))


class DeedForm(PricesForm):
    """What is done with several contracts."""

    deed = fields.String(required=True, validate=validate.OneOf(["pause", "resume", "price"]))


class LeadsQuery(CursorQuery):
    status = fields.Enum(LineStatus, by_value=True, load_default=None)
    closing = fields.Boolean(load_default=False)  # its return window closes inside a day
    contract_id = IdField(Contract, load_default=None, data_key="contract")


class ExportForm(Schema):
    separator = fields.String(
        load_default="comma", validate=validate.OneOf(["comma", "semicolon", "tab"])
    )


class ReturnsQuery(CursorQuery):
    status = fields.Enum(ReturnStatus, by_value=True, load_default=None)


class ReturnForm(Schema):
    reason = fields.Enum(ReturnReason, by_value=True, required=True)
    note = fields.String(load_default="", validate=validate.Length(max=2_000))


class ActionsQuery(CursorQuery):
    status = fields.Enum(ConversionStatus, by_value=True, load_default=None)


class ActionForm(Schema):
    reference = fields.String(required=True, validate=validate.Length(min=1, max=100))


class RejectionForm(Schema):
    reason = fields.String(required=True, validate=validate.OneOf([str(one) for one in CHOSEN]))
    explanation = fields.String(load_default="", validate=validate.Length(max=2_000))
