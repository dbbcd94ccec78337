"""Verbs of deliveries: what was ordered becomes readable, and the money is captured with it.

The portal delivers inside the transaction that confirms the order: nothing is sent anywhere, so
there is nothing to wait for, and "paid" and "readable" are one fact that no crash can part. A
delivery by another way of its own would stay pending and be done by the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Row, select, update

from exchange.billing.services import holds
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import db, lock, save
from exchange.core.states import transition, transition_all
from exchange.fulfillment.deadlines import DELIVERY_TIME
from exchange.fulfillment.models import Delivery, DeliveryStatus
from exchange.fulfillment.queries import find_delivery
from exchange.fulfillment.services import lines as steps
from exchange.leads import people
from exchange.leads.models import Lead, LeadStatus
from exchange.market import queries as market
from exchange.market.contract_terms import ActionTerms
from exchange.market.models import LineStatus, Order, OrderLine, OrderStatus
from exchange.market.queries.stock import in_list

Lines = Sequence[Row[UUID, UUID, UUID]]  # id, lead and seller


def deliver_order(*, order_id: UUID, actor: Actor) -> Delivery | None:
    """Hand a confirmed order over through the portal, at once; safe to repeat."""
    order = lock(Order, order_id)
    begun = find_delivery(order.id)
    if begun is not None or order.status is not OrderStatus.CONFIRMED:
        return begun
    delivery = save(
        Delivery(
            order_id=order.id,
            organization_id=order.buyer_id,
            deliver_by=clock.now() + DELIVERY_TIME,
        )
    )
    return _deliver(delivery, order, actor=actor)


def deliver(*, delivery_id: UUID, actor: Actor) -> Delivery:
    """Make every line of the order readable and capture its money; safe to repeat.

    People who were suppressed and leads that left sale since the order are let go of: money and
    slot go back (I28). The return window begins now; under CPA the attribution window does, and
    no money moves before an action.
    """
    delivery = lock(Delivery, delivery_id)
    if delivery.status is not DeliveryStatus.PENDING:
        return delivery
    return _deliver(delivery, lock(Order, delivery.order_id), actor=actor)


def _deliver(delivery: Delivery, order: Order, *, actor: Actor) -> Delivery:
    kept = _let_go(delivery, order, actor=actor)
    if kept:
        _hand_over(delivery, order, kept, actor=actor)
    return delivery


def stop(*, order_id: UUID, actor: Actor) -> None:
    """Let go of what must not be handed over any more, without waiting for the delivery."""
    waiting = find_delivery(order_id)
    if waiting is None or waiting.status is not DeliveryStatus.PENDING:
        return
    delivery = lock(Delivery, waiting.id)
    if delivery.status is DeliveryStatus.PENDING:
        _let_go(delivery, lock(Order, order_id), actor=actor)


def give_up(*, delivery_id: UUID, actor: Actor) -> Delivery:
    """Give everything back where the deadline has passed without a delivery (I13)."""
    delivery = lock(Delivery, delivery_id)
    if delivery.status is not DeliveryStatus.PENDING or clock.after_lock() < delivery.deliver_by:
        return delivery
    order = lock(Order, delivery.order_id)
    late = {line.id: line.lead_id for line in _reserved(order.id)}
    steps.release(order, late, reason="too_late", actor=actor)
    transition(delivery, DeliveryStatus.CANCELLED, actor=actor, reason="too_late")
    transition(order, OrderStatus.CANCELLED, actor=actor, reason="too_late")
    return delivery


def _let_go(delivery: Delivery, order: Order, *, actor: Actor) -> Lines:
    """Release the lines that must not be delivered; returns the rest. Nothing left ends both."""
    lines = _reserved(order.id)
    lost = _undeliverable([line.lead_id for line in lines], buyer_id=order.buyer_id)
    gone = {line.id: line.lead_id for line in lines if line.lead_id in lost}
    steps.release(order, gone, reason="not_deliverable", actor=actor)
    if len(gone) == len(lines):
        transition(delivery, DeliveryStatus.CANCELLED, actor=actor)
        transition(order, OrderStatus.CANCELLED, actor=actor, reason="not_deliverable")
    return [line for line in lines if line.id not in gone]


def _reserved(order_id: UUID) -> Lines:
    return db.session.execute(
        select(OrderLine.id, OrderLine.lead_id, OrderLine.seller_id)
        .where(OrderLine.order_id == order_id, OrderLine.status == LineStatus.RESERVED)
        .order_by(OrderLine.id)
        .with_for_update(key_share=True)
    ).all()


def _undeliverable(lead_ids: Sequence[UUID], *, buyer_id: UUID) -> set[UUID]:
    """Leads that must not be handed over; sharing their locks keeps them as they are."""
    found = db.session.execute(
        select(Lead.id, Lead.status)
        .where(in_list(Lead.id, lead_ids))
        .order_by(Lead.id)
        .with_for_update(read=True)
    )
    lost = {row.id for row in found if row.status is not LeadStatus.VALID}
    return lost | people.suppressed_leads(lead_ids, buyer_id=buyer_id)


def _hand_over(delivery: Delivery, order: Order, lines: Lines, *, actor: Actor) -> None:
    now, actions = clock.now(), market.action_terms(order)
    ids = [line.id for line in lines]
    transition_all(
        OrderLine,
        where=[in_list(OrderLine.id, ids)],
        to=LineStatus.DELIVERED,
        parent=order,
        actor=actor,
    )
    db.session.execute(
        update(OrderLine)
        .where(in_list(OrderLine.id, ids))
        .values(delivered_at=now, window_until=now + _window(order, actions)),
        execution_options={"synchronize_session": "fetch"},
    )
    if actions is None:
        seller_of = {line.id: line.seller_id for line in lines}
        holds.capture_all(refs=steps.refs(ids), seller_of=seller_of, actor=actor)
    delivery.acknowledged_at = now
    transition(delivery, DeliveryStatus.SENT, actor=actor)
    # Readable is delivered: the portal has nobody to wait for (decision 46).
    transition(delivery, DeliveryStatus.ACKNOWLEDGED, actor=actor, lines=len(ids))
    transition(order, OrderStatus.FULFILLED, actor=actor, lines=len(ids))


def _window(order: Order, actions: ActionTerms | None) -> timedelta:
    """How long a line stays open: for returns, or for an action of its person."""
    if actions is not None:
        return timedelta(days=actions.attribution_days)
    return timedelta(hours=market.get_agreed_terms(order).return_window_hours)
