"""Questions about orders and their lines. A buyer sees what they bought, a seller what was sold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.money import Money
from exchange.core.pagination import LIMIT, LIMIT_MAX, Page, paginate
from exchange.leads.models import Contact, Lead
from exchange.market.models import (
    LineStatus,
    Listing,
    ListingTerms,
    Order,
    OrderLine,
    OrderStatus,
    PricingModel,
)
from exchange.market.queries.charged import CHARGED
from exchange.market.queries.stock import in_list

# Whose contact the buyer may read; a refunded line is never readable again.
READABLE: Final = (LineStatus.DELIVERED, LineStatus.SETTLED)
FINAL: Final = (
    LineStatus.SETTLED,
    LineStatus.RETURNED,
    LineStatus.REPLACED,
    LineStatus.RELEASED,
)


@dataclass(frozen=True, slots=True)
class LineTally:
    """How many lines of an order are in each state, and what the order costs so far."""

    counts: dict[LineStatus, int]
    charged: Money  # for what was delivered and not given back
    refunded: Money

    @property
    def readable(self) -> int:
        """How many contacts the buyer may read."""
        return sum(self.counts.get(status, 0) for status in READABLE)


def get_order(order_id: UUID, *, viewer: UUID | None) -> Order:
    """A buyer's own order; staff look with viewer None. Raises NotFound."""
    order = get(Order, order_id)
    if viewer is not None and order.buyer_id != viewer:
        raise NotFound
    return order


def orders(
    *,
    viewer: UUID | None,
    status: OrderStatus | None = None,
    listing_id: UUID | None = None,
    contract_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Order]:
    """A buyer's orders, or everybody's for staff, newest first."""
    statement = select(Order)
    if viewer is not None:
        statement = statement.where(Order.buyer_id == viewer)
    if status is not None:
        statement = statement.where(Order.status == status)
    if listing_id is not None:
        statement = statement.where(Order.listing_id == listing_id)
    if contract_id is not None:
        statement = statement.where(Order.contract_id == contract_id)
    return paginate(statement, Order, cursor=cursor, limit=limit)


def has_bought_from(listing_id: UUID, *, buyer_id: UUID) -> bool:
    """Whether the buyer ever placed an order on the listing, or a contract did for them."""
    placed = select(Order.id).where(Order.listing_id == listing_id, Order.buyer_id == buyer_id)
    return bool(db.session.scalar(select(placed.exists())))


def get_line(line_id: UUID, *, viewer: UUID | None) -> OrderLine:
    """A line that the viewer bought; staff look with viewer None. Raises NotFound."""
    line = get(OrderLine, line_id)
    if viewer is not None and line.buyer_id != viewer:
        raise NotFound
    return line


def lines(
    *,
    viewer: UUID,
    order_id: UUID | None = None,
    status: Collection[LineStatus] = (),
    window_before: datetime | None = None,
    contract_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[OrderLine]:
    """What a buyer bought, newest first; `window_before`: to be returned until then."""
    statement = select(OrderLine).where(OrderLine.buyer_id == viewer)
    if order_id is not None:
        statement = statement.where(OrderLine.order_id == order_id)
    if status:
        statement = statement.where(OrderLine.status.in_(status))
    if window_before is not None:
        can_return = OrderLine.pricing_model == PricingModel.CPL
        statement = statement.where(OrderLine.window_until < window_before, can_return)
    if contract_id is not None:
        statement = statement.where(OrderLine.contract_id == contract_id)
    return paginate(statement, OrderLine, cursor=cursor, limit=limit)


def sales(
    *,
    viewer: UUID,
    batch_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[OrderLine]:
    """What a seller sold, newest first; the buyer stays a pseudonym (decision 1)."""
    statement = select(OrderLine).where(
        OrderLine.seller_id == viewer, OrderLine.status != LineStatus.RELEASED
    )
    if batch_id is not None:
        statement = statement.join(Lead, Lead.id == OrderLine.lead_id).where(
            Lead.batch_id == batch_id
        )
    return paginate(statement, OrderLine, cursor=cursor, limit=min(limit, LIMIT_MAX))


def lines_of(order_id: UUID, *, status: Collection[LineStatus] = ()) -> Sequence[OrderLine]:
    """All lines of an order, freshest lead first; an order has at most a thousand."""
    statement = select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.id)
    if status:
        statement = statement.where(OrderLine.status.in_(status))
    return db.session.scalars(statement).all()


def tally(order: Order) -> LineTally:
    """The lines of an order by state, with what was charged and refunded."""
    rows = db.session.execute(
        select(
            OrderLine.status,
            func.count().label("lines"),
            func.sum(CHARGED - OrderLine.refunded).label("charged"),
            func.sum(OrderLine.refunded).label("refunded"),
        )
        .where(OrderLine.order_id == order.id)
        .group_by(OrderLine.status)
    ).all()
    currency = order.price.currency
    delivered = [row for row in rows if row.status is not LineStatus.RELEASED]
    return LineTally(
        counts={row.status: row.lines for row in rows},
        charged=Money(sum(int(row.charged) for row in delivered), currency),
        refunded=Money(sum(int(row.refunded) for row in delivered), currency),
    )


def leads_of_lines(lead_ids: Collection[UUID]) -> dict[UUID, Lead]:
    """The leads behind some lines, by id."""
    found = db.session.scalars(select(Lead).where(in_list(Lead.id, lead_ids)))
    return {lead.id: lead for lead in found}


def leads_with_contact(lead_ids: Collection[UUID]) -> set[UUID]:
    """Which of these leads still have a person; the others were erased."""
    statement = select(Contact.lead_id).where(in_list(Contact.lead_id, lead_ids))
    return set(db.session.scalars(statement))


def order_of_lead(lead_id: UUID, *, contract_id: UUID) -> Order:
    """The order by which a contract has a lead. Raises NotFound."""
    found = db.session.scalar(
        select(Order)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(
            OrderLine.lead_id == lead_id,
            OrderLine.contract_id == contract_id,
            OrderLine.status != LineStatus.RELEASED,
        )
    )
    if found is None:
        raise NotFound
    return found


def get_listing_of(order: Order) -> Listing:
    """What the order was placed on, whatever became of it."""
    return get(Listing, order.listing_id)


def get_agreed_terms(order: Order) -> ListingTerms:
    """The terms as the buyer agreed to them. Raises NotFound."""
    return get_terms(order.listing_id, version=order.terms_version)


def get_terms(listing_id: UUID, *, version: int) -> ListingTerms:
    """One version of a listing's terms. Raises NotFound."""
    terms = db.session.scalar(
        select(ListingTerms).where(
            ListingTerms.listing_id == listing_id, ListingTerms.version == version
        )
    )
    if terms is None:
        raise NotFound
    return terms
