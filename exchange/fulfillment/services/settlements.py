"""Verbs of settlement: when a return window has closed, the seller's money becomes payable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.billing.services import reserves, sales
from exchange.billing.services.sales import Sale
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, lock
from exchange.core.events import Ref
from exchange.core.states import transition, transition_all
from exchange.fulfillment import queries
from exchange.fulfillment.conversion_models import Conversion, ConversionStatus
from exchange.fulfillment.queries import DueLine
from exchange.fulfillment.services import lines as steps
from exchange.market import queries as market
from exchange.market.models import LineStatus, Order, OrderLine, OrderStatus
from exchange.market.queries.stock import in_list
from exchange.verification import queries as verification

Cell = tuple[UUID, UUID, UUID]  # seller, vertical and source: what a reserve is derived from


def settle_order(*, order_id: UUID, actor: Actor) -> int:
    """Settle the lines whose window has closed and about which nobody has to decide any more.

    The commission is the one that held when the lead was sold; the reserve is the seller's of
    today. Under CPA no money moves: what an action cost was settled by itself, and the pool of the
    contract follows. Returns how many lines were settled; safe to repeat.
    """
    order = lock(Order, order_id)
    due = queries.due_lines(_lock_closed(order.id))
    if due:
        if market.action_terms(order) is None:
            sales.settle_all(_sales(due), actor=actor)
        else:
            steps.let_pool_follow(order.contract_id)
        transition_all(
            OrderLine,
            where=[in_list(OrderLine.id, [line.id for line in due])],
            to=LineStatus.SETTLED,
            parent=order,
            actor=actor,
        )
    _close_if_final(order, actor=actor)
    return len(due)


def settle_action(*, conversion_id: UUID, actor: Actor) -> bool:
    """Divide the money of an approved action; True when it was done now; safe to repeat.

    Where the buyer still owes a part of it, it waits: the exchange does not front it (decision 19).
    """
    conversion = lock(Conversion, conversion_id)
    is_open = conversion.status is ConversionStatus.APPROVED and conversion.settled_at is None
    if not is_open or (conversion.owed and _owes(conversion)):
        return False
    (sale,) = _sales(queries.due_lines([conversion.line_id]))
    sales.settle_all([replace(sale, ref=Ref.to(conversion))], actor=actor)
    conversion.settled_at = clock.now()
    events.record("conversion.settled", subject=conversion, actor=actor)
    return True


def close_order(*, order_id: UUID, actor: Actor) -> Order:
    """Settle an order of which every line has come to its end; otherwise leave it as it is."""
    order = lock(Order, order_id)
    _close_if_final(order, actor=actor)
    return order


def release_reserves() -> int:
    """Make payable what no reserve needs any more; how long it is kept is the sources' doing.

    Returns how many reserves gave something back.
    """
    return reserves.release_due(days=verification.reserve_days(reserves.filled()))


def _owes(conversion: Conversion) -> bool:
    currency = conversion.price.currency
    return bool(billing.balance(conversion.buyer_id, AccountKind.BUYER_DEBT, currency))


def _close_if_final(order: Order, *, actor: Actor) -> None:
    if order.status is OrderStatus.FULFILLED and queries.are_all_final(order.id):
        transition(order, OrderStatus.SETTLED, actor=actor)


def _lock_closed(order_id: UUID) -> Sequence[UUID]:
    """Delivered lines whose window has closed, locked.

    A return is asked for behind the same lock, so what is open is asked only after it.
    """
    statement = (
        select(OrderLine.id)
        .where(
            OrderLine.order_id == order_id,
            OrderLine.status == LineStatus.DELIVERED,
            OrderLine.window_until <= clock.after_lock(),
            ~queries.UNDECIDED,
        )
        .order_by(OrderLine.id)
        .with_for_update(key_share=True)
    )
    return db.session.scalars(statement).all()


def _sales(due: Sequence[DueLine]) -> list[Sale]:
    cells: dict[Cell, int] = {}
    for line in due:
        cell = (line.seller_id, line.vertical_id, line.source_id)
        if cell not in cells:
            cells[cell] = verification.reserve_bps(*cell)
    # The lines of an order were sold at one moment, from one listing.
    commission = billing.commission_bps(due[0].vertical_code, due[0].sold_at)
    return [
        Sale(
            ref=Ref(OrderLine.KIND, line.id),
            seller_id=line.seller_id,
            price=line.price,
            commission_bps=commission,
            reserve_bps=cells[line.seller_id, line.vertical_id, line.source_id],
        )
        for line in due
    ]
