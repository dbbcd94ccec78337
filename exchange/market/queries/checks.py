"""Sentences about the market that hold at any moment; asked after every test and every night."""

from __future__ import annotations

from sqlalchemy import func, select

from exchange.billing.models import Hold, HoldStatus
from exchange.core.db import db
from exchange.core.invariants import invariant
from exchange.leads.models import Lead
from exchange.market.models import (
    CHOSEN_MODES,
    LineStatus,
    Listing,
    ListingMode,
    ListingTerms,
    Order,
    OrderLine,
    OrderStatus,
)
from exchange.market.queries.orders import FINAL

# Nothing of these is still to be delivered, so nothing of theirs is still set aside.
FINISHED = (OrderStatus.FULFILLED, OrderStatus.SETTLED, OrderStatus.CANCELLED)


@invariant("market.sold")
def leads_with_wrong_count() -> list[str]:
    """Decision 38: "sold k of N" is the number of lines that hold a slot."""
    held = (
        select(OrderLine.lead_id, func.count().label("n"))
        .where(OrderLine.slot.is_not(None))
        .group_by(OrderLine.lead_id)
        .subquery("held")
    )
    lines = func.coalesce(held.c.n, 0)
    wrong = db.session.execute(
        select(Lead.id, Lead.sold, lines)
        .outerjoin(held, held.c.lead_id == Lead.id)
        .where(Lead.sold != lines)
    )
    return [f"lead {row[0]} counts {row[1]} sales and has {row[2]} lines" for row in wrong]


@invariant("market.slots")
def slots_sold_twice() -> list[str]:
    """No two lines hold one slot, and no line one beyond what its lead may be sold."""
    twice = db.session.execute(
        select(OrderLine.lead_id, OrderLine.slot, func.count())
        .where(OrderLine.slot.is_not(None))
        .group_by(OrderLine.lead_id, OrderLine.slot)
        .having(func.count() > 1)
    )
    beyond = db.session.scalars(
        select(OrderLine.id)
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(OrderLine.slot >= Lead.sales_max)
    )
    return [f"slot {row[1]} of lead {row[0]} is sold {row[2]} times" for row in twice] + [
        f"line {line_id} holds a slot that its lead does not have" for line_id in beyond
    ]


@invariant("market.holds")
def finished_orders_with_holds() -> list[str]:
    """No money is set aside for an order that is delivered, settled or cancelled."""
    wrong = db.session.scalars(
        select(Order.id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Hold, (Hold.subject_id == OrderLine.id) & (Hold.subject_kind == OrderLine.KIND))
        .where(Order.status.in_(FINISHED), Hold.status == HoldStatus.ACTIVE)
        .distinct()
    )
    return [f"order {order_id} is finished and still holds money" for order_id in wrong]


@invariant("market.lines")
def orders_with_wrong_lines() -> list[str]:
    """An order has as many lines as were bought, and its state is the state of its lines."""
    lines = (
        select(
            OrderLine.order_id,
            func.count().label("n"),
            func.count().filter(OrderLine.status == LineStatus.RESERVED).label("reserved"),
            func.count().filter(OrderLine.status.in_(FINAL)).label("final"),
        )
        .group_by(OrderLine.order_id)
        .subquery("lines")
    )
    short = func.coalesce(lines.c.n, 0) != Order.quantity
    early = Order.status.in_(FINISHED) & (lines.c.reserved > 0)
    unsettled = (Order.status == OrderStatus.SETTLED) & (lines.c.final < lines.c.n)
    wrong = db.session.scalars(
        select(Order.id)
        .outerjoin(lines, lines.c.order_id == Order.id)
        .where(short | early | unsettled)
    )
    return [f"order {order_id} does not fit its lines" for order_id in wrong]


@invariant("market.price")
def orders_at_another_price() -> list[str]:
    """Who buys at a fixed price pays the price of the version that they agreed to."""
    agreed = (
        (ListingTerms.listing_id == Order.listing_id)
        & (ListingTerms.version == Order.terms_version)
        & (ListingTerms.mode == ListingMode.FIXED)
    )
    wrong = db.session.scalars(
        select(Order.id)
        .join(ListingTerms, agreed)
        .join(Listing, Listing.id == Order.listing_id)
        .where(
            Order.contract_id.is_(None),
            Listing.mode.in_(CHOSEN_MODES),
            Order.__table__.c.price_amount != ListingTerms.__table__.c.price_amount,
        )
    )
    return [f"order {order_id} costs what nobody agreed to" for order_id in wrong]


@invariant("market.offered")
def lines_of_other_lots() -> list[str]:
    """A listing sells leads of its lot; an aged one such as were listed a second time."""
    other = (Lead.batch_id != Listing.batch_id) | (Listing.is_aged & Lead.aged_at.is_(None))
    wrong = db.session.scalars(
        select(OrderLine.id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Listing, Listing.id == Order.listing_id)
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(other)
    )
    return [f"line {line_id} sells what its listing does not offer" for line_id in wrong]
