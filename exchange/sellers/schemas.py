"""What comes in and goes out at the seller's door, for forms and JSON alike."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from exchange.catalog.policies import QualityClass
from exchange.core.forms import AmountField, MoneyField, PageQuery
from exchange.leads.models import BatchStatus, LeadKind
from exchange.leads.post_models import CALL_SECONDS_MIN, PostOutcome
from exchange.market.schemas import QualityOut

_text = validate.Length(max=200)
_sales = validate.Range(1, 10)


class UploadForm(Schema):
    vertical = fields.String(required=True, validate=_text)
    source = fields.String(required=True, validate=validate.Length(min=1, max=200))
    again = fields.Boolean(load_default=False)


class TermsForm(Schema):
    """On what terms a file becomes a lot; an exclusive lead is sold once, whatever was typed."""

    name = fields.String(load_default="", validate=_text)
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


class PostingTermsForm(Schema):
    """Terms for single leads; sold once means one slot, whatever was typed."""

    source = fields.String(required=True, validate=validate.Length(min=1, max=200))
    vertical = fields.String(required=True, validate=_text)
    quality_class = fields.Enum(QualityClass, by_value=True, load_default=QualityClass.STANDARD)
    price = AmountField(required=True)
    kind = fields.Enum(LeadKind, by_value=True, load_default=LeadKind.EXCLUSIVE)
    sales_max = fields.Integer(load_default=1, validate=_sales)
    declared_unsold = fields.Boolean(load_default=False)
    channel = fields.String(load_default="", validate=_text)
    consent_text = fields.String(load_default="", validate=validate.Length(max=4_000))
    consent_url = fields.String(load_default="", validate=validate.Length(max=2_000))
    is_check_agreed = fields.Boolean(load_default=False)
    call_seconds_min = fields.Integer(
        load_default=CALL_SECONDS_MIN, validate=validate.Range(0, 3_600)
    )
    is_test = fields.Boolean(load_default=False)

    @post_load
    def once(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:  # Any: marshmallow's
        """Sold once means one slot."""
        if data["kind"] is LeadKind.EXCLUSIVE:
            data["sales_max"] = 1
        return data


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


class NonceForm(Schema):
    nonce = fields.String(load_default="", validate=validate.Length(max=200))


class PriceForm(Schema):
    price = AmountField(required=True)


class ContestForm(Schema):
    explanation = fields.String(required=True, validate=validate.Length(min=1, max=2_000))


class BatchQuery(PageQuery):
    status = fields.Enum(BatchStatus, by_value=True, load_default=None)


class BatchUpload(Schema):
    """The fields beside `file` in POST /batches."""

    vertical = fields.String(required=True)
    source = fields.String(load_default="upload", validate=validate.Length(min=1, max=200))
    name = fields.String(load_default="", validate=_text)
    mapping = fields.String(
        load_default="{}", metadata={"description": "JSON object: field to column header"}
    )
    quality_class = fields.Enum(QualityClass, by_value=True, load_default=QualityClass.STANDARD)
    price = fields.Integer(required=True, metadata={"description": "minor units"})
    pricing_model = fields.String(load_default="cpl", validate=validate.OneOf(["cpl"]))
    sales_max = fields.Integer(load_default=1, validate=_sales)
    declared_unsold = fields.Boolean(required=True)
    again = fields.Boolean(load_default=False)


class BatchAnswers(Schema):
    """What was asked about the file, by field, and columns by field where a guess was wrong."""

    answers = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    mapping = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)


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
    price = MoneyField()


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
    problems = fields.Dict(keys=fields.String(), values=fields.Integer())
