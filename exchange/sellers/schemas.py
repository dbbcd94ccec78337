"""What comes in and goes out at the seller's door, for forms and JSON alike."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from exchange.catalog.policies import QualityClass
from exchange.core.forms import AmountField, MoneyField, PageQuery
from exchange.leads.models import BatchStatus, LeadKind
from exchange.market.schemas import QualityOut

_text = validate.Length(max=200)
_sales = validate.Range(1, 10)
_row = validate.Range(-1, 2**31 - 1)
FORMATS = ("date_order", "decimal_separator")  # how the cells of a file are written


class UploadForm(Schema):
    vertical = fields.String(required=True, validate=_text)
    source = fields.String(required=True, validate=validate.Length(min=1, max=200))
    again = fields.Boolean(load_default=False)
    pasted = fields.String(load_default="")


class TermsForm(Schema):
    """On what terms a file becomes a lot; an exclusive lead is sold once, whatever was typed."""

    name = fields.String(load_default="", validate=_text)
    quality_class = fields.Enum(QualityClass, by_value=True, load_default=QualityClass.STANDARD)
    price = AmountField(required=True)
    kind = fields.Enum(LeadKind, by_value=True, load_default=LeadKind.EXCLUSIVE)
    sales_max = fields.Integer(load_default=1, validate=_sales)
    declared_unsold = fields.Boolean(load_default=False)
    only_if_all_right = fields.Boolean(load_default=False)

    @post_load
    def once(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:  # Any: marshmallow's
        """Sold once means one slot."""
        if data["kind"] is LeadKind.EXCLUSIVE:
            data["sales_max"] = 1
        return data


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
    declared_unsold = fields.Boolean(required=True)
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
