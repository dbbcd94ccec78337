"""Questions about what was delivered: deliveries, lines to settle, and what holds at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select

from exchange.catalog.models import Vertical
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.money import Money
from exchange.fulfillment.models import Delivery, DeliveryStatus, LeadReturn, ReturnOutcome
from exchange.fulfillment.queries.returns import has_open_return
from exchange.leads.models import Lead
from exchange.market.models import LineStatus, Order, OrderLine, OrderStatus
from exchange.market.queries import FINAL
from exchange.market.queries.stock import in_list

PRICE: Final = OrderLine.__table__.c.price_amount


@dataclass(frozen=True, slots=True)
class DueLine:
    """A line whose window has closed, with whom its money is divided among."""

    id: UUID
    seller_id: UUID
    price: Money
    sold_at: datetime
    vertical_id: UUID
    vertical_code: str
    source_id: UUID


def find_delivery(order_id: UUID) -> Delivery | None:
    """How an order was handed over."""
    return db.session.scalar(select(Delivery).where(Delivery.order_id == order_id))


def get_delivery(delivery_id: UUID, *, viewer: UUID | None) -> Delivery:
    """A buyer's own delivery; staff look with viewer None. Raises NotFound."""
    found = db.session.get(Delivery, delivery_id)
    if found is None or (viewer is not None and found.organization_id != viewer):
        raise NotFound
    return found


def waiting_deliveries(*, limit: int) -> Sequence[UUID]:
    """Deliveries that are not done, the one with the nearest deadline first."""
    statement = select(Delivery.id).where(Delivery.status == DeliveryStatus.PENDING)
    return db.session.scalars(statement.order_by(Delivery.deliver_by).limit(limit)).all()


def undelivered_orders(*, listing_id: UUID | None = None, limit: int) -> Sequence[UUID]:
    """Confirmed orders of contracts that nobody began to deliver, of one listing or of all."""
    begun = select(Delivery.id).where(Delivery.order_id == Order.id).exists()
    statement = select(Order.id).where(
        Order.status == OrderStatus.CONFIRMED, Order.contract_id.is_not(None), ~begun
    )
    if listing_id is not None:
        statement = statement.where(Order.listing_id == listing_id)
    return db.session.scalars(statement.order_by(Order.id).limit(limit)).all()


def orders_to_settle(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Orders with a line whose window has closed and about which nobody has to decide."""
    due = (
        select(OrderLine.order_id)
        .where(
            OrderLine.status == LineStatus.DELIVERED,
            OrderLine.window_until <= now,
            ~has_open_return(),
        )
        .distinct()
        .limit(limit)
    )
    return db.session.scalars(due).all()


def orders_to_close(*, limit: int) -> Sequence[UUID]:
    """Delivered orders of which every line has come to its end."""
    running = (
        select(OrderLine.id)
        .where(OrderLine.order_id == Order.id, OrderLine.status.not_in(FINAL))
        .exists()
    )
    statement = select(Order.id).where(Order.status == OrderStatus.FULFILLED, ~running)
    return db.session.scalars(statement.order_by(Order.id).limit(limit)).all()


def are_all_final(order_id: UUID) -> bool:
    """Whether no line of an order can change any more, but for a late refund."""
    running = select(OrderLine.id).where(
        OrderLine.order_id == order_id, OrderLine.status.not_in(FINAL)
    )
    return not db.session.scalar(select(running.exists()))


def due_lines(line_ids: Sequence[UUID]) -> list[DueLine]:
    """These lines as the settlement needs them, without those about which is still decided."""
    rows = db.session.execute(
        select(
            OrderLine.id,
            OrderLine.seller_id,
            OrderLine.price,
            OrderLine.created_at,
            Lead.vertical_id,
            Vertical.code,
            Lead.source_id,
        )
        .join(Lead, Lead.id == OrderLine.lead_id)
        .join(Vertical, Vertical.id == Lead.vertical_id)
        .where(in_list(OrderLine.id, line_ids), ~has_open_return())
        .order_by(OrderLine.id)
    )
    return [DueLine(*row) for row in rows]


def return_share(seller_id: UUID, *, since: datetime) -> tuple[int, int]:
    """How many of a seller's lines delivered since then were returned, and how many there are."""
    delivered = OrderLine.delivered_at >= since
    row = db.session.execute(
        select(
            func.count().filter(OrderLine.status == LineStatus.RETURNED),
            func.count(),
        ).where(OrderLine.seller_id == seller_id, delivered)
    ).one()
    return row[0], row[1]


def lines_without_window() -> Sequence[UUID]:
    """Delivered lines that nobody knows the end of."""
    delivered = (LineStatus.DELIVERED, LineStatus.SETTLED, LineStatus.RETURNED)
    missing = or_(OrderLine.window_until.is_(None), OrderLine.delivered_at.is_(None))
    statement = select(OrderLine.id).where(OrderLine.status.in_(delivered), missing)
    return db.session.scalars(statement).all()


def lines_with_wrong_refund() -> Sequence[UUID]:
    """Lines returned and not refunded whole, or the other way; the guarantee refunds a part."""
    returned = OrderLine.status == LineStatus.RETURNED
    wrong = or_(
        returned & (OrderLine.refunded != PRICE),
        ~returned & (OrderLine.refunded >= PRICE),
    )
    return db.session.scalars(select(OrderLine.id).where(wrong)).all()


def approvals_without_refund() -> Sequence[UUID]:
    """Returns that were granted while the line was not returned."""
    statement = (
        select(LeadReturn.id)
        .join(OrderLine, OrderLine.id == LeadReturn.line_id)
        .where(
            LeadReturn.outcome == ReturnOutcome.APPROVED, OrderLine.status != LineStatus.RETURNED
        )
    )
    return db.session.scalars(statement).all()
