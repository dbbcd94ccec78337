"""What goes out at the door of pings, and of posts that are asked about later."""

from __future__ import annotations

from marshmallow import Schema, fields

from exchange.core.forms import IdField, MoneyField, PageQuery
from exchange.leads.models import Source
from exchange.market.models import LineStatus, PricingModel
from exchange.market.ping_models import PingAnswer
from exchange.market.schemas import RefusalsOut
from exchange.sellers.schemas import PostOut, PostProblemOut


class PingBidOut(Schema):
    """What a contract pays for the lead of a ping; who it is of is not told."""

    id = fields.String()
    price = MoneyField()
    exclusive = fields.Boolean()
    max_sales = fields.Integer()


class PingOut(Schema):
    """What was said to a ping."""

    id = fields.String(allow_none=True, metadata={"description": "null for a test"})
    object = fields.Constant("ping")
    status = fields.Enum(
        PingAnswer,
        by_value=True,
        metadata={"description": "matched, no_match, duplicate, rejected"},
    )
    reason = fields.String(allow_none=True, metadata={"description": "a stable code"})
    detail = fields.String(allow_none=True)
    expires_at = fields.DateTime(
        allow_none=True, metadata={"description": "until then the lead may be posted, once"}
    )
    bids = fields.List(fields.Nested(PingBidOut), metadata={"description": "the highest first"})
    errors = fields.List(fields.Nested(PostProblemOut))
    ignored = fields.List(fields.String(), metadata={"description": "pointers nobody knows"})
    test = fields.Boolean()


class PingsQuery(PageQuery):
    """Which of the own pings."""

    answer = fields.Enum(PingAnswer, by_value=True, load_default=None)
    source_id = IdField(Source, load_default=None)


class PingSeenOut(Schema):
    """A ping of the last 30 days with its bids, and what came of it. Nobody is named in it."""

    id = fields.String()
    object = fields.Constant("ping")
    created_at = fields.DateTime()
    source_id = fields.String()
    status = fields.Enum(PingAnswer, by_value=True)
    reason = fields.String(
        allow_none=True, metadata={"description": "a stable code; of its post once there is one"}
    )
    detail = fields.String(allow_none=True)
    expires_at = fields.DateTime(allow_none=True)
    bids = fields.List(fields.Nested(PingBidOut), metadata={"description": "the highest first"})
    outcome = fields.String(
        allow_none=True,
        metadata={"description": "open, expired, accepted or lapsed; null where nobody bid"},
    )
    post_id = fields.String(allow_none=True)
    price = MoneyField(allow_none=True, metadata={"description": "for which it was sold"})


class SaleOut(Schema):
    """One sale of a lead; who bought it is not told."""

    created_at = fields.DateTime()
    status = fields.Enum(LineStatus, by_value=True)
    price = MoneyField(metadata={"description": "of the lead, or of an action under CPA"})
    pricing_model = fields.Enum(PricingModel, by_value=True)


class PostSeenOut(PostOut):
    """A post, with what became of its lead since."""

    state = fields.String(
        metadata={
            "description": "queued_for_check, offered, or of the last sale, the lead or its lot"
        }
    )
    sales = fields.List(fields.Nested(SaleOut), metadata={"description": "the last first"})
    refusals = fields.Nested(
        RefusalsOut, allow_none=True, metadata={"description": "null: it has met no contracts yet"}
    )
