"""Jobs of what follows a sale. Each sweep reads from the tables what is due and rings for it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.jobs import enqueue, job, sweep
from exchange.fulfillment import queries
from exchange.fulfillment.queries import sold
from exchange.fulfillment.services import (
    deliveries,
    erasure_notices,
    guarantees,
    returns,
    settlements,
)

PER_SWEEP = 200
PER_ROUND = 1_000  # orders of contracts that one round can make
WATCHED = timedelta(hours=1)  # a lot that came back longer ago was looked at


@job("fulfillment.deliver")
def deliver(delivery_id: UUID) -> None:
    """Hand an order over, or give everything back where it is too late for that."""
    deliveries.give_up(delivery_id=delivery_id, actor=SYSTEM)
    deliveries.deliver(delivery_id=delivery_id, actor=SYSTEM)


@job("fulfillment.deliver_matched")
def deliver_matched(listing_id: UUID) -> None:
    """Ring for every order of a contract that a round of this listing has made."""
    for order_id in queries.undelivered_orders(listing_id=listing_id, limit=PER_ROUND):
        enqueue("fulfillment.deliver_order", order_id)


@job("fulfillment.deliver_order")
def deliver_order(order_id: UUID) -> None:
    """Hand an order of a contract over."""
    deliveries.deliver_order(order_id=order_id, actor=SYSTEM)


@sweep("fulfillment.deliver_order", seconds=10)
def find_undelivered_orders() -> None:
    """Orders of contracts that nobody began to deliver."""
    for order_id in queries.undelivered_orders(limit=PER_SWEEP):
        enqueue("fulfillment.deliver_order", order_id)


@job("fulfillment.settle")
def settle(order_id: UUID) -> None:
    """Settle the lines of an order whose return window has closed."""
    settlements.settle_order(order_id=order_id, actor=SYSTEM)


@job("fulfillment.close_order")
def close_order(order_id: UUID) -> None:
    """Settle an order whose lines have all come to their end."""
    settlements.close_order(order_id=order_id, actor=SYSTEM)


@job("fulfillment.expire_return")
def expire_return(return_id: UUID) -> None:
    """Let the buyer be right where the exchange was silent."""
    returns.expire(return_id=return_id, actor=SYSTEM)


@job("fulfillment.close_return")
def close_return(return_id: UUID) -> None:
    """End a return to which nobody can object any more."""
    returns.close(return_id=return_id, actor=SYSTEM)


@sweep("fulfillment.deliver", seconds=10)
def find_deliveries() -> None:
    """Deliveries that are waiting."""
    for delivery_id in queries.waiting_deliveries(limit=PER_SWEEP):
        enqueue("fulfillment.deliver", delivery_id)


@sweep("fulfillment.settle", seconds=30)
def find_closed_windows() -> None:
    """Orders with a line whose window has closed."""
    for order_id in queries.orders_to_settle(clock.now(), limit=PER_SWEEP):
        enqueue("fulfillment.settle", order_id)


@sweep("fulfillment.reserves", seconds=3_600)
def release_reserves() -> None:
    """Make payable what no reserve needs any more."""
    settlements.release_reserves()


@sweep("fulfillment.close_order", seconds=30)
def find_ended_orders() -> None:
    """Orders whose lines have all come to their end."""
    for order_id in queries.orders_to_close(limit=PER_SWEEP):
        enqueue("fulfillment.close_order", order_id)


@sweep("fulfillment.expire_return", seconds=30)
def find_silence() -> None:
    """Returns about which the exchange was silent past its deadline."""
    for return_id in queries.returns_past_deadline(clock.now(), limit=PER_SWEEP):
        enqueue("fulfillment.expire_return", return_id)


@sweep("fulfillment.close_return", seconds=300)
def find_returns_to_close() -> None:
    """Decided returns to which nobody can object any more."""
    for return_id in queries.returns_to_close(clock.now(), limit=PER_SWEEP):
        enqueue("fulfillment.close_return", return_id)


@job("fulfillment.stop")
def stop(order_id: UUID) -> None:
    """Let a delivery that waits go of people who must not be handed over any more."""
    deliveries.stop(order_id=order_id, actor=SYSTEM)


@sweep("fulfillment.stop", seconds=10)
def find_stopped() -> None:
    """Orders that wait with a lead that has left sale."""
    for order_id in queries.orders_to_stop(limit=PER_SWEEP):
        enqueue("fulfillment.stop", order_id)


@job("fulfillment.remind")
def remind(notice_id: UUID) -> None:
    """Say again to a buyer that a person is erased."""
    erasure_notices.remind(notice_id=notice_id)


@sweep("fulfillment.remind", seconds=3_600)
def find_unanswered() -> None:
    """Notices of erasures without an answer for a week."""
    for notice_id in queries.notices_to_remind(clock.now(), limit=PER_SWEEP):
        enqueue("fulfillment.remind", notice_id)


@job("fulfillment.watch")
def watch(batch_id: UUID) -> None:
    """See whether so many leads of a lot came back that it is to be looked behind."""
    guarantees.watch(batch_id=batch_id, actor=SYSTEM)


@sweep("fulfillment.watch", seconds=600)
def find_returned() -> None:
    """Lots of which leads came back during the last hour."""
    for batch_id in sold.lots_to_watch(clock.now() - WATCHED, limit=PER_SWEEP):
        enqueue("fulfillment.watch", batch_id)


@job("fulfillment.guarantee")
def settle_guarantee(run_id: UUID) -> None:
    """Refund each sold lead its share of a lot whose seller chose nothing in time."""
    guarantees.settle(run_id=run_id, actor=SYSTEM)


@sweep("fulfillment.guarantee", seconds=60)
def find_silent_sellers() -> None:
    """Lots that broke their promise a day ago."""
    for run_id in sold.silent_runs(clock.now(), limit=PER_SWEEP):
        enqueue("fulfillment.guarantee", run_id)
