"""What comes in and goes out at the market's door about auctions and bids."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from exchange.core.forms import IdField, MoneyField, PageQuery
from exchange.market.auction_models import Auction, AuctionStatus, BidStatus
from exchange.market.auctioning import BID_UNITS_MAX, UNITS_MAX
from exchange.market.models import Listing, Order


class NewAuction(Schema):
    """An auction of one's own listing; the floor is the listing's price."""

    listing_id = IdField(Listing, required=True)
    units = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(1, UNITS_MAX),
        metadata={"description": "at most so many leads"},
    )
    opens_at = fields.AwareDateTime(load_default=None, metadata={"description": "else now"})
    closes_at = fields.AwareDateTime(required=True)


class AuctionQuery(PageQuery):
    status = fields.Enum(AuctionStatus, by_value=True, load_default=None)


class NewBid(Schema):
    """A bid, or another one in the place of the former."""

    amount = MoneyField(required=True, metadata={"description": "for one lead"})
    units = fields.Integer(required=True, strict=True, validate=validate.Range(1, BID_UNITS_MAX))


class BidOut(Schema):
    """One's own bid: before the close without its amount, which nobody can read."""

    id = fields.String(attribute="bid.public_id")
    object = fields.Constant("bid")
    created_at = fields.DateTime(attribute="bid.created_at")
    auction_id = IdField(Auction, attribute="bid.auction_id")
    status = fields.Enum(BidStatus, by_value=True, attribute="bid.status")
    sequence = fields.Integer(
        attribute="bid.sequence", metadata={"description": "its place among the arrivals"}
    )
    commitment = fields.String(attribute="bid.commitment")
    link = fields.String(
        metadata={"description": "of the public chain: keep it, `verify` takes it"}
    )
    held = MoneyField(attribute="bid.held", metadata={"description": "set aside when it came"})
    amount = MoneyField(
        attribute="bid.price", allow_none=True, metadata={"description": "null until the close"}
    )
    units = fields.Integer(attribute="bid.units", allow_none=True)
    units_won = fields.Integer(attribute="bid.units_won")
    order_id = IdField(Order, allow_none=True)
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class AuctionOut(Schema):
    id = fields.String(attribute="auction.public_id")
    object = fields.Constant("auction")
    created_at = fields.DateTime(attribute="auction.created_at")
    status = fields.Enum(AuctionStatus, by_value=True, attribute="auction.status")
    listing_id = IdField(Listing, attribute="auction.listing_id")
    terms_version = fields.Integer(attribute="auction.terms_version")
    units = fields.Integer(attribute="auction.units")
    floor = MoneyField(
        attribute="auction.floor", metadata={"description": "the least accepted for a lead"}
    )
    opens_at = fields.DateTime(attribute="auction.opens_at")
    closes_at = fields.DateTime(attribute="auction.closes_at")
    bids = fields.Integer(metadata={"description": "how many stand, or stood at the close"})
    head = fields.String(
        attribute="auction.head", metadata={"description": "the newest link of the public chain"}
    )
    own_bid = fields.Nested(BidOut, allow_none=True)
    metadata: fields.Constant[dict[str, str]] = fields.Constant({})


class EntryOut(Schema):
    sequence = fields.Integer()
    kind = fields.String(metadata={"description": "bid, withdrawal or close"})
    bidder = fields.String(metadata={"description": "a pseudonym of this auction"})
    at = fields.String()
    commitment = fields.String()
    link = fields.String()


class OpeningOut(Schema):
    sequence = fields.Integer()
    amount = fields.Integer()
    units = fields.Integer()
    nonce = fields.String()


class ProofOut(Schema):
    """All that is public of an auction; `exchange auction verify` recomputes it."""

    format = fields.String()
    terms = fields.Dict()
    genesis = fields.String()
    entries = fields.List(fields.Nested(EntryOut))
    facts = fields.Dict(allow_none=True)
    openings = fields.List(fields.Nested(OpeningOut))
    result = fields.Dict(allow_none=True)
