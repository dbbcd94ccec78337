"""What a search of the market asks, and what is counted beside its answer."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from exchange.catalog.policies import QualityClass
from exchange.core.forms import PageQuery
from exchange.leads.models import LeadKind
from exchange.leads.temperature import Temperature
from exchange.market.models import ListingStatus
from exchange.market.queries import Sort
from exchange.verification.reputation import Grade


class SearchQuery(PageQuery):
    """What a buyer looks for; a seller's own list takes `status` alone."""

    vertical = fields.String(metadata={"description": "code; needed for `criteria`"})
    region = fields.List(fields.String(), load_default=list)
    fresh_hours = fields.Integer(validate=validate.Range(1, 24 * 366))
    temperature = fields.List(fields.Enum(Temperature, by_value=True), load_default=list)
    kind = fields.Enum(LeadKind, by_value=True)
    quality_class = fields.List(fields.Enum(QualityClass, by_value=True), load_default=list)
    grade = fields.List(
        fields.Enum(Grade, by_value=True),
        load_default=list,
        metadata={"description": "of the seller; thresholds on the page /method"},
    )
    price_min = fields.Integer(metadata={"description": "minor units"})
    price_max = fields.Integer(metadata={"description": "minor units"})
    bad_upper_max = fields.Float(
        validate=validate.Range(0, 1), metadata={"description": "share of bad leads at most"}
    )
    checked = fields.Boolean(load_default=False)
    aged = fields.Boolean(
        metadata={"description": "sold to one buyer before, or not; left out: both"}
    )
    has = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "filled in: optional amounts of the schema, email, consent"},
    )
    criteria = fields.String(
        metadata={
            "description": "JSON of criteria over the attributes. What masked leads do not show"
            " (texts, postal codes) is found where five leads share it; dates go by the year."
        }
    )
    sort = fields.Enum(Sort, by_value=True, load_default=Sort.SAFEST)
    status = fields.Enum(ListingStatus, by_value=True)


def _counts() -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.Integer(allow_none=True))


class CountsOut(Schema):
    """How many leads each choice would show; null for fewer than five under criteria.

    Of a large market they were counted up to a minute ago, and are upper bounds where `exact` is
    false: what you have may be among them. Whom your own lists name always is.
    """

    counted_at = fields.DateTime()
    exact = fields.Boolean(attribute="is_exact")
    regions = _counts()
    kinds = _counts()
    quality_classes = _counts()
    grades = _counts()
    temperatures = _counts()
    aged = _counts()
    fresh_hours = fields.Dict(keys=fields.Integer(), values=fields.Integer(allow_none=True))
    has = _counts()
    attributes = fields.Dict(
        keys=fields.String(),
        values=_counts(),
        metadata={"description": "by field, where a vertical is asked for"},
    )
