"""What comes in and goes out at the market's door."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from exchange.catalog.policies import QualityClass
from exchange.core.forms import IdField, MoneyField, PageQuery
from exchange.leads.models import Batch, Lead, LeadKind
from exchange.leads.source_cards import Collector, SourceChannel
from exchange.leads.temperature import Because, Temperature
from exchange.market.allocation import Refusal
from exchange.market.contract_models import Contract
from exchange.market.decay import Fall
from exchange.market.matching import ORDER_LEADS_MAX
from exchange.market.models import (
    CHOSEN_MODES,
    LineAction,
    LineStatus,
    Listing,
    ListingMode,
    ListingStatus,
    OrderStatus,
    PricingModel,
)
from exchange.market.search_schemas import CountsOut
from exchange.verification.reputation import Grade


class LeadsQuery(PageQuery):
    """Which masked leads of a listing."""

    fresh_hours = fields.Integer(load_default=None, validate=validate.Range(1, 24 * 366))
    criteria = fields.String(metadata={"description": "JSON of criteria over the attributes"})


class FallIn(Schema):
    """A price that falls each day, counted from when the listing goes on sale."""

    bps_per_day = fields.Integer(
        required=True, strict=True, metadata={"description": "basis points of the price of now"}
    )
    floor = MoneyField(required=True, metadata={"description": "at least so much is asked"})

    @post_load
    def as_fall(self, data: dict[str, Any], **_kwargs: Any) -> Fall:  # Any: marshmallow's
        """As the verb takes it."""
        return Fall(data["bps_per_day"], data["floor"])


class ListingTermsIn(Schema):
    """How a lot is sold. What is missing stays as it is."""

    price = MoneyField(metadata={"description": "of one lead; else the lot's"})
    mode = fields.Enum(ListingMode, by_value=True, validate=validate.OneOf(sorted(CHOSEN_MODES)))
    criteria = fields.Dict(metadata={"description": "over the lot: a filter is a listing too"})
    decay = fields.Nested(FallIn, allow_none=True)
    buyers_only = fields.List(
        fields.String(), metadata={"description": "pseudonyms of who bought from you; or nobody"}
    )
    buyers_never = fields.List(fields.String())
    expires_at = fields.AwareDateTime(allow_none=True)


class NewListing(ListingTermsIn):
    """An accepted lot, or what of it fits criteria, that has no such listing yet."""

    batch_id = IdField(Batch, required=True)
    publish = fields.Boolean(load_default=True)
    aged = fields.Boolean(
        load_default=False,
        metadata={"description": "its leads that were sold alone ninety days ago, once more"},
    )


class ListingChange(ListingTermsIn):
    """Other terms, a new state, or both. Sold is what was agreed to before."""

    status = fields.String(validate=validate.OneOf(["published", "paused", "withdrawn"]))


class TryOrder(Schema):
    """The terms on which a listing is tried."""

    terms_version = fields.Integer(required=True, strict=True)


class NewOrder(Schema):
    """Either a quantity, narrowed by criteria, or exactly these leads."""

    listing_id = IdField(Listing, required=True)
    terms_version = fields.Integer(required=True, strict=True)
    quantity = fields.Integer(
        strict=True, load_default=None, validate=validate.Range(1, ORDER_LEADS_MAX)
    )
    lead_ids = fields.List(
        IdField(Lead), load_default=None, validate=validate.Length(1, ORDER_LEADS_MAX)
    )
    criteria = fields.Dict(load_default=None)


class OrderQuery(PageQuery):
    status = fields.Enum(OrderStatus, by_value=True, load_default=None)
    contract_id = IdField(Contract, load_default=None)


class SourceOut(Schema):
    """The record of a source: shares of bad leads over earlier lots."""

    mean = fields.Float()
    lower = fields.Float()
    upper = fields.Float()
    n_effective = fields.Integer()


class OpenCasesOut(Schema):
    """Shares of bad leads, by what the people who stayed open are taken for."""

    none_bad = fields.Float(metadata={"description": "bad / n"})
    resolved = fields.Float(allow_none=True, metadata={"description": "bad / (good + bad)"})
    all_bad = fields.Float(metadata={"description": "(bad + open) / n"})
    lower = fields.Float(allow_none=True, metadata={"description": "exact, below `none_bad`"})
    upper = fields.Float(allow_none=True, metadata={"description": "exact, above `all_bad`"})


class ReachabilityOut(Schema):
    """The second gate: whether people were reached about as often as is usual."""

    reached = fields.Integer()
    people = fields.Integer()
    norm = fields.Float(metadata={"description": "the usual share, frozen at the draw"})
    norm_people = fields.Integer(metadata={"description": "0: the start value of the vertical"})
    norm_lots = fields.Integer()
    p_value = fields.Float(allow_none=True, metadata={"description": "null: nothing was tested"})
    alpha = fields.Float()
    passes = fields.Boolean()


# `class` is a word of Python, so the fields are listed as a call.
QualityOut = Schema.from_dict(
    {
        "class": fields.String(),
        "n": fields.Integer(),
        "good": fields.Integer(),
        "bad": fields.Integer(),
        "open": fields.Integer(),
        "population": fields.Integer(),
        "bad_upper": fields.Float(allow_none=True),
        "confidence": fields.Float(),
        "method": fields.String(),
        "open_cases": fields.Nested(OpenCasesOut, allow_none=True),
        "reachability": fields.Nested(ReachabilityOut, allow_none=True),
        "checked_at": fields.DateTime(),
        "source": fields.Nested(SourceOut, allow_none=True),
    },
    name="Quality",
)


class CardOut(Schema):
    """The card of the source: how people came to ask. Its name is the seller's alone."""

    channel = fields.Enum(SourceChannel, by_value=True, allow_none=True)
    page_host = fields.String(attribute="host")
    ad_text = fields.String()
    collected_by = fields.Enum(Collector, by_value=True)
    starts_on = fields.Date(allow_none=True)
    ends_on = fields.Date(allow_none=True)
    consent_version = fields.Integer(attribute="wording.version")
    consent_text = fields.String(attribute="wording.text")


class StepOut(Schema):
    at = fields.DateTime()
    price = MoneyField()


class FallOut(Schema):
    """How the price falls; each step is a new version of the terms."""

    bps_per_day = fields.Integer(metadata={"description": "basis points of `start`"})
    start = MoneyField()
    floor = MoneyField()
    next = fields.Nested(StepOut, allow_none=True)


class ListingOut(Schema):
    id = fields.String(attribute="listing.public_id")
    object = fields.Constant("listing")
    created_at = fields.DateTime(attribute="listing.created_at")
    published_at = fields.DateTime(attribute="listing.published_at", allow_none=True)
    status = fields.Enum(ListingStatus, by_value=True, attribute="listing.status")
    vertical = fields.String()
    seller = fields.String(metadata={"description": "trade name"})
    seller_grade = fields.Enum(Grade, by_value=True, allow_none=True)
    batch_id = IdField(Batch, attribute="own_batch_id", allow_none=True)
    quality_class = fields.Enum(QualityClass, by_value=True, attribute="listing.quality_class")
    quality = fields.Nested(QualityOut, allow_none=True)
    kind = fields.Enum(LeadKind, by_value=True)
    max_sales = fields.Integer(attribute="sales_max")
    price = MoneyField(attribute="listing.price", metadata={"description": "of one lead, net"})
    terms_version = fields.Integer(attribute="listing.terms_version")
    return_window_hours = fields.Integer()
    available = fields.Integer(
        allow_none=True, metadata={"description": "null: fewer than five people fit the criteria"}
    )
    sold = fields.Integer(metadata={"description": "sales of the whole lot"})
    freshest_at = fields.DateTime(allow_none=True)
    source = fields.Nested(
        CardOut, attribute="card", metadata={"description": "the card, where one listing is shown"}
    )
    mode = fields.Enum(ListingMode, by_value=True, attribute="listing.mode")
    criteria = fields.Raw(attribute="listing.criteria", metadata={"type": "object"})
    aged = fields.Boolean(attribute="listing.is_aged")
    decay = fields.Nested(FallOut, allow_none=True)
    expires_at = fields.DateTime(attribute="listing.expires_at", allow_none=True)
    buyers_only = fields.List(fields.String(), metadata={"description": "for its seller alone"})
    buyers_never = fields.List(fields.String(), metadata={"description": "for its seller alone"})
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class RefusalOut(Schema):
    reason = fields.Enum(Refusal, by_value=True)
    detail = fields.String()
    times = fields.Integer(metadata={"description": "contracts, over all leads"})


class RefusalsOut(Schema):
    """What became of leads when they last met the contracts of all buyers."""

    object = fields.Constant("refusals")
    leads = fields.Integer(metadata={"description": "that met contracts; at most 10,000 are read"})
    asked_for = fields.Integer(metadata={"description": "of these, by at least one contract"})
    taken = fields.Integer(metadata={"description": "sales then"})
    reasons = fields.List(fields.Nested(RefusalOut), metadata={"description": "commonest first"})
    few = fields.Integer(metadata={"description": "refusals of reasons of fewer than 3 buyers"})


class KnownBuyerOut(Schema):
    """A buyer as their seller knows them (decision 1)."""

    id = fields.String(attribute="pseudonym")
    object = fields.Constant("buyer")
    country = fields.String()
    leads = fields.Integer(metadata={"description": "bought from you"})
    last_at = fields.DateTime()


class ListingsOut(Schema):
    object = fields.Constant("list")
    data = fields.List(fields.Nested(ListingOut), attribute="items")
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
    counted_at = fields.DateTime(metadata={"description": "when `available` was counted"})
    facets = fields.Nested(CountsOut, allow_none=True)


class TemperatureOut(Schema):
    """How warm a lead is, by which fact, and until when if nothing happens."""

    value = fields.Enum(Temperature, by_value=True)
    because = fields.Enum(Because, by_value=True)
    until = fields.DateTime(allow_none=True)


class MaskedLeadOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("lead")
    requested_at = fields.DateTime()
    region = fields.String()
    attributes = fields.Dict()
    preview = fields.Dict(
        metadata={"description": "which of name, phone and e-mail there are; country and provider"}
    )
    sold = fields.Integer()
    max_sales = fields.Integer(attribute="sales_max")
    checked_at = fields.DateTime(allow_none=True)
    asks = fields.Integer(metadata={"description": "how often the person asked"})
    last_asked_at = fields.DateTime(allow_none=True)
    temperature = fields.Nested(TemperatureOut)
    first_sold_at = fields.DateTime(
        allow_none=True, metadata={"description": "of an aged lead: it was sold before"}
    )


class LineOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("line")
    lead_id = IdField(Lead)
    contract_id = IdField(Contract)
    status = fields.Enum(LineStatus, by_value=True)
    price = MoneyField()
    delivered_at = fields.DateTime(allow_none=True)
    return_until = fields.DateTime(allow_none=True)
    pricing_model = fields.Enum(PricingModel, by_value=True)
    action = fields.Enum(LineAction, by_value=True)
    action_until = fields.DateTime(allow_none=True)


class OrderSummaryOut(Schema):
    """An order in a list: without its lines."""

    id = fields.String(attribute="order.public_id")
    object = fields.Constant("order")
    created_at = fields.DateTime(attribute="order.created_at")
    status = fields.Enum(OrderStatus, by_value=True, attribute="order.status")
    listing_id = IdField(Listing, attribute="order.listing_id")
    terms_version = fields.Integer(attribute="order.terms_version")
    contract_id = IdField(Contract, attribute="order.contract_id")
    contract_version = fields.Integer(attribute="order.contract_version", allow_none=True)
    quantity = fields.Integer(attribute="order.quantity")
    criteria = fields.Dict(attribute="order.criteria")
    test = fields.Boolean(
        attribute="order.is_test", metadata={"description": "five leads, drawn at random"}
    )
    test_seed = fields.Function(
        lambda row: row["order"].test_seed and row["order"].test_seed.hex(),
        metadata={"type": "string", "description": "what they were drawn by, hexadecimal"},
    )
    pricing_model = fields.Enum(PricingModel, by_value=True, attribute="order.pricing_model")
    price = MoneyField(
        attribute="order.price", metadata={"description": "of a lead; under CPA of an action"}
    )
    total = MoneyField(
        attribute="order.total", metadata={"description": "nothing under CPA: actions are paid"}
    )
    charged = MoneyField(attribute="tally.charged")
    refunded = MoneyField(attribute="tally.refunded")
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class OrderOut(OrderSummaryOut):
    lines = fields.List(fields.Nested(LineOut))


class PriceGuidanceOut(Schema):
    """Quartiles of what was paid; without them `reason` says "not enough sales"."""

    low = MoneyField()
    median = MoneyField()
    high = MoneyField()
    n = fields.Integer()
    days = fields.Integer()
    reason = fields.String()


class AgePriceOut(Schema):
    """What was paid for leads that were so old when they were sold."""

    over_hours = fields.Integer(attribute="age.over")
    within_hours = fields.Integer(attribute="age.within", allow_none=True)
    guidance = fields.Nested(
        PriceGuidanceOut, allow_none=True, metadata={"description": "null: not enough sales"}
    )


class VerticalOut(Schema):
    id = fields.String()
    object = fields.Constant("vertical")
    code = fields.String()
    label = fields.Dict(keys=fields.String(), values=fields.String())
    country = fields.String()
    currency = fields.String()
    language = fields.String()
    status = fields.String()
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class VerticalDetailOut(VerticalOut):
    """What a lead of the vertical looks like and on which terms it is sold."""

    fields_ = fields.List(fields.Dict(), attribute="fields", data_key="fields")
    criteria = fields.List(fields.String(), metadata={"description": "fields one can ask for"})
    return_rules = fields.Dict()
    intake_rules = fields.Dict()
    quality_classes = fields.Dict(
        keys=fields.String(), values=MoneyField(), metadata={"description": "typical prices"}
    )
    price_guidance = fields.Nested(PriceGuidanceOut)
    price_guidance_by_age = fields.List(fields.Nested(AgePriceOut))


class VerticalQuery(Schema):
    region = fields.String(load_default=None, metadata={"description": "narrows price guidance"})
