"""What comes in and goes out at the seller's door, for forms and JSON alike."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate

from exchange.catalog.policies import QualityClass
from exchange.core.forms import AmountField, IdField, MoneyField, PageQuery
from exchange.core.money import Currency
from exchange.leads.models import Batch, BatchStatus, LeadKind, SourceStatus
from exchange.leads.post_models import CALL_SECONDS_MIN, PostOutcome
from exchange.leads.source_cards import Collector, SourceChannel
from exchange.market.auctioning import UNITS_MAX
from exchange.market.schemas import QualityOut

_text = validate.Length(max=200)
_sales = validate.Range(1, 10)
# Fields of the card by what they fill in where a file leaves it empty.
_DEFAULTS: Final = {
    "default_sub_id": "sub_id",
    "default_consent_url": "consent_url",
    "default_quality_check": "consent_quality_check",
}
_row = validate.Range(-1, 2**31 - 1)
FORMATS = ("date_order", "decimal_separator")  # how the cells of a file are written
# Hours that the page of a new auction offers; the API takes any moment.
OPENS_IN = (0, 1, 6, 24, 72)
LASTS = (1, 6, 24, 72, 168)


class UploadForm(Schema):
    vertical = fields.String(required=True, validate=_text)
    source = fields.String(required=True, validate=validate.Length(min=1, max=200))
    again = fields.Boolean(load_default=False)
    pasted = fields.String(load_default="")


class SaleForm(Schema):
    """On what terms leads are sold; an exclusive lead is sold once, whatever was typed."""

    quality_class = fields.Enum(QualityClass, by_value=True, load_default=QualityClass.STANDARD)
    price = AmountField(required=True)
    kind = fields.Enum(LeadKind, by_value=True, load_default=LeadKind.EXCLUSIVE)
    sales_max = fields.Integer(load_default=1, validate=_sales)
    declared_unsold = fields.Boolean(load_default=False)

    @post_load
    def once(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:  # Any: marshmallow's
        """Sold once means one slot."""
        if data["kind"] is LeadKind.EXCLUSIVE:
            data["sales_max"] = 1
        return data


class TermsForm(SaleForm):
    """On what terms a file becomes a lot."""

    name = fields.String(load_default="", validate=_text)
    only_if_all_right = fields.Boolean(load_default=False)


class SourceForm(Schema):
    """The card of a source. What is sent empty is emptied; a PATCH changes what it names."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    channel = fields.Enum(SourceChannel, by_value=True, load_default=None, allow_none=True)
    landing_url = fields.String(load_default="", validate=validate.Length(max=2_000))
    ad_text = fields.String(load_default="", validate=validate.Length(max=5_000))
    collected_by = fields.Enum(Collector, by_value=True, load_default=Collector.OWN)
    starts_on = fields.Date(load_default=None, allow_none=True)
    ends_on = fields.Date(load_default=None, allow_none=True)
    consent_text = fields.String(
        load_default="",
        validate=validate.Length(max=4_000),
        metadata={"description": "Another wording than the one in force becomes a new version."},
    )
    default_sub_id = fields.String(load_default="", validate=validate.Length(max=100))
    default_consent_url = fields.String(load_default="", validate=validate.Length(max=2_000))
    default_quality_check = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether the wording allows a call that checks the request."},
    )

    @post_load
    def together(
        self, data: dict[str, Any], **_kwargs: Any
    ) -> dict[str, Any]:  # Any: marshmallow's
        """The defaults as one value, by field of the files that they fill in."""
        defaults = {}
        for sent, field in _DEFAULTS.items():
            if sent in data:
                value = data.pop(sent)
                defaults[field] = ("yes" if value else "") if isinstance(value, bool) else value
        return {**data, "defaults": defaults}


class SourceChange(SourceForm):
    """A PATCH may pause and resume as well."""

    status = fields.Enum(
        SourceStatus, by_value=True, validate=validate.NoneOf([SourceStatus.STOPPED])
    )


class WordingOut(Schema):
    version = fields.Integer()
    text = fields.String()
    since = fields.DateTime()


class SourceCardOut(Schema):
    id = fields.String(attribute="source.public_id")
    object = fields.Constant("source")
    created_at = fields.DateTime(attribute="source.created_at")
    name = fields.String(attribute="source.name")
    status = fields.Enum(SourceStatus, by_value=True, attribute="source.status")
    status_reason = fields.String(attribute="source.status_reason")
    channel = fields.Enum(SourceChannel, by_value=True, attribute="source.channel", allow_none=True)
    landing_url = fields.String(attribute="source.landing_url")
    ad_text = fields.String(attribute="source.ad_text")
    collected_by = fields.Enum(Collector, by_value=True, attribute="source.collected_by")
    starts_on = fields.Date(attribute="source.starts_on", allow_none=True)
    ends_on = fields.Date(attribute="source.ends_on", allow_none=True)
    defaults = fields.Dict(
        keys=fields.String(), values=fields.String(), attribute="source.defaults"
    )
    consent = fields.Nested(WordingOut, allow_none=True, attribute="wording")
    lots = fields.Integer(attribute="figures.lots")
    leads = fields.Integer(attribute="figures.leads")


class PostingTermsForm(SaleForm):
    """On what terms single leads are taken."""

    source = fields.String(required=True, validate=validate.Length(min=1, max=200))
    vertical = fields.String(required=True, validate=_text)
    channel = fields.String(load_default="", validate=_text)
    consent_text = fields.String(load_default="", validate=validate.Length(max=4_000))
    consent_url = fields.String(load_default="", validate=validate.Length(max=2_000))
    is_check_agreed = fields.Boolean(load_default=False)
    call_seconds_min = fields.Integer(
        load_default=CALL_SECONDS_MIN, validate=validate.Range(0, 3_600)
    )
    is_test = fields.Boolean(load_default=False)


class AuctionForm(Schema):
    """An auction: how many leads, in how many hours it opens, and how many it is open."""

    units = fields.Integer(required=True, validate=validate.Range(1, UNITS_MAX))
    opens_in = fields.Integer(load_default=0, validate=validate.OneOf(OPENS_IN))
    lasts = fields.Integer(required=True, validate=validate.OneOf(LASTS))


class TokenForm(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=100))


class WordingForm(Schema):
    consent_text = fields.String(required=True, validate=validate.Length(min=1, max=4_000))


class CaptureFormForm(WordingForm):
    """A hosted form; `origins` are the sites that may show it in a frame, one a line."""

    title = fields.String(required=True, validate=validate.Length(min=1, max=120))
    language = fields.String(load_default="en", validate=_text)
    is_callback = fields.Boolean(load_default=False)
    origins = fields.String(load_default="", validate=validate.Length(max=4_000))


class RowsQuery(Schema):
    """Which problem rows of a draft are looked at."""

    field = fields.String(load_default="", validate=_text)
    code = fields.String(load_default="", validate=_text)
    after = fields.Integer(load_default=-1, validate=_row)
    focus = fields.Integer(load_default=-1, validate=_row)  # the row that was just corrected
    row = fields.Integer(load_default=None, validate=_row)  # searched for


class DefaultForm(Schema):
    field = fields.String(required=True, validate=_text)
    value = fields.String(load_default="", validate=validate.Length(max=4_000))


class FormatForm(Schema):
    name = fields.String(required=True, validate=validate.OneOf(FORMATS))
    value = fields.String(required=True, validate=_text)


class DropForm(Schema):
    field = fields.String(load_default="", validate=_text)
    code = fields.String(required=True, validate=_text)


class NonceForm(Schema):
    nonce = fields.String(load_default="", validate=validate.Length(max=200))


class PriceForm(Schema):
    price = AmountField(required=True)


class ContestForm(Schema):
    explanation = fields.String(required=True, validate=validate.Length(min=1, max=2_000))


class BatchQuery(PageQuery):
    status = fields.Enum(BatchStatus, by_value=True, load_default=None)


class ColumnsField(fields.Field[list[str]]):
    """A column header, or several whose cells are joined."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> list[str]:  # Any: unchecked
        headers = value if isinstance(value, list) else [value]
        if not headers or not all(isinstance(header, str) for header in headers):
            raise ValidationError("Name a column header, or several as a list.")
        return headers


_words = fields.Dict(keys=fields.String(), values=fields.String())


class MendingText(Schema):
    """What is JSON inside a form: columns, values of empty cells and words, by field."""

    mapping = fields.Dict(keys=fields.String(), values=ColumnsField(), load_default=dict)
    defaults = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    words = fields.Dict(keys=fields.String(), values=_words, load_default=dict)


class BatchUpload(Schema):
    """The fields beside `file` in POST /batches."""

    vertical = fields.String(required=True)
    source = fields.String(load_default="upload", validate=validate.Length(min=1, max=200))
    name = fields.String(load_default="", validate=_text)
    mapping = fields.String(
        load_default="{}",
        metadata={"description": "JSON object: field to column header, or to a list to be joined"},
    )
    defaults = fields.String(
        load_default="{}", metadata={"description": "JSON object: field to value of empty cells"}
    )
    words = fields.String(
        load_default="{}",
        metadata={"description": "JSON object: field to an object of your words and its values"},
    )
    quality_class = fields.Enum(QualityClass, by_value=True, load_default=QualityClass.STANDARD)
    price = fields.Integer(required=True, metadata={"description": "minor units"})
    pricing_model = fields.String(load_default="cpl", validate=validate.OneOf(["cpl"]))
    sales_max = fields.Integer(load_default=1, validate=_sales)
    # A draft with questions is confirmed by the answers to them: the declaration comes first.
    declared_unsold = fields.Boolean(
        required=True,
        validate=validate.Equal(
            True,
            error="Declare that the rows are not sold and not being sold elsewhere.",
        ),
    )
    only_if_all_right = fields.Boolean(
        load_default=False, metadata={"description": "keep the draft while a row is refused"}
    )
    again = fields.Boolean(load_default=False)


class BatchAnswers(Schema):
    """What was asked about the file, by field, and columns by field where a guess was wrong."""

    answers = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    mapping = fields.Dict(keys=fields.String(), values=ColumnsField(), load_default=dict)
    defaults = fields.Dict(keys=fields.String(), values=fields.String(), load_default=None)
    words = fields.Dict(keys=fields.String(), values=_words, load_default=dict)
    only_if_all_right = fields.Boolean(load_default=False)


class CheckOut(Schema):
    """What the check of a draft found: of every row when `whole`, else of the first ones."""

    whole = fields.Boolean()
    rows = fields.Integer()
    valid = fields.Integer()
    in_review = fields.Integer()
    invalid = fields.Integer()
    duplicate = fields.Integer()
    suppressed = fields.Integer()
    dropped = fields.Integer()
    rules = fields.List(fields.Dict())
    words = fields.Dict()


class PostProblemOut(Schema):
    pointer = fields.String(metadata={"description": "JSON pointer into the body"})
    code = fields.String()
    detail = fields.String()


class PostOut(Schema):
    """What became of a lead that was posted."""

    id = fields.String()
    object = fields.Constant("post")
    created_at = fields.DateTime()
    status = fields.Enum(PostOutcome, by_value=True)
    reason = fields.String(allow_none=True, metadata={"description": "a stable code"})
    detail = fields.String(allow_none=True)
    since = fields.DateTime(
        allow_none=True, metadata={"description": "of a duplicate: when the person came first"}
    )
    errors = fields.List(fields.Nested(PostProblemOut))
    notes = fields.List(fields.String())
    ignored = fields.List(fields.String(), metadata={"description": "pointers nobody knows"})
    test = fields.Boolean()
    lead = fields.String(allow_none=True)
    external_id = fields.String(allow_none=True)
    price = MoneyField(
        allow_none=True, metadata={"description": "asked; of a ping: paid, null if it is not sold"}
    )
    bid_id = fields.String(
        allow_none=True, metadata={"description": "of a ping: the bid that bought the lead"}
    )


class RowCountsOut(Schema):
    rows = fields.Integer(attribute="rows_done")
    rows_total = fields.Integer(allow_none=True)
    valid = fields.Integer()
    in_review = fields.Integer()
    invalid = fields.Integer()
    duplicate = fields.Integer()
    suppressed = fields.Integer()


class BatchOut(Schema):
    id = fields.String(attribute="batch.public_id")
    object = fields.Constant("batch")
    created_at = fields.DateTime(attribute="batch.created_at")
    name = fields.String(attribute="batch.name")
    status = fields.Enum(BatchStatus, by_value=True, attribute="batch.status")
    vertical = fields.String(attribute="vertical.code")
    quality_class = fields.Enum(QualityClass, by_value=True, attribute="batch.quality_class")
    price = MoneyField(attribute="batch.price")
    sales_max = fields.Integer(attribute="batch.sales_max")
    counts = fields.Nested(RowCountsOut, attribute="batch")
    population = fields.Integer(attribute="batch.population", allow_none=True)
    merkle_root = fields.String(attribute="root", allow_none=True)
    quality = fields.Nested(QualityOut, allow_none=True)
    questions = fields.List(fields.Dict())
    check = fields.Nested(CheckOut, allow_none=True)
    problems = fields.Dict(keys=fields.String(), values=fields.Integer())
    suspicion = fields.Dict(
        metadata={"description": "Free checks: a score of 0 to 100 and why. Nothing is refused."},
    )


class AgreedForm(Schema):
    """The sum that the seller was shown, in minor units."""

    amount = fields.Integer(required=True, strict=False)
    currency = fields.Enum(Currency, by_value=True, required=True)


class InspectionBody(Schema):
    """A full inspection is started for what it costs now, or only for this sum."""

    total = MoneyField(
        load_default=None,
        metadata={"description": "refused with `total_changed` where it costs something else now"},
    )


class InspectionOut(Schema):
    """A full inspection that runs, or what one would be: everybody without an answer is called."""

    object = fields.Constant("full_inspection")
    id = fields.String(attribute="running.public_id", allow_none=True)
    batch = IdField(Batch, attribute="batch.id")
    status = fields.String(metadata={"description": "offered, or running"})
    covers = fields.Function(
        lambda seen: "lot" if seen.is_whole else "set_aside",
        metadata={"description": "the whole lot, or what was set aside while the rest is on sale"},
    )
    people = fields.Integer()
    answered = fields.Integer()
    price = MoneyField(metadata={"description": "of one answer"})
    total = MoneyField(metadata={"description": "held before it starts"})
    payable = MoneyField(metadata={"description": "used first"})
    wallet = MoneyField(metadata={"description": "used next"})
    missing = MoneyField(metadata={"description": "to be paid in before it can start"})
