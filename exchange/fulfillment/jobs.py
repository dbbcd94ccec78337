"""Jobs of what follows a sale. Each sweep reads from the tables what is due and rings for it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.jobs import enqueue_each, job, sweep
from exchange.fulfillment import queries
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.models import Delivery, ErasureNotice, LeadReturn
from exchange.fulfillment.queries import sold
from exchange.fulfillment.services import (
    conversions,
    deliveries,
    erasure_notices,
    guarantees,
    returns,
    settlements,
)
from exchange.leads.models import Batch
from exchange.market.models import Listing, Order
from exchange.verification.inspection_models import GuaranteeRun

PER_SWEEP = 200
PER_ROUND = 1_000  # orders of contracts that one round can make
WATCHED = timedelta(hours=1)  # a lot that came back longer ago was looked at


@job("fulfillment.deliver", of=Delivery)
def deliver(delivery_id: UUID) -> None:
    """Hand an order over, or give everything back where it is too late for that."""
    deliveries.give_up(delivery_id=delivery_id, actor=SYSTEM)
    deliveries.deliver(delivery_id=delivery_id, actor=SYSTEM)


@job("fulfillment.deliver_matched", of=Listing)
def deliver_matched(listing_id: UUID) -> None:
    """Ring for every order of a contract that a round of this listing has made."""
    enqueue_each(
        "fulfillment.deliver_order",
        queries.undelivered_orders(listing_id=listing_id, limit=PER_ROUND),
    )


@job("fulfillment.deliver_order", of=Order)
def deliver_order(order_id: UUID) -> None:
    """Hand an order of a contract over."""
    deliveries.deliver_order(order_id=order_id, actor=SYSTEM)


@sweep("fulfillment.deliver_order", seconds=10)
def find_undelivered_orders() -> None:
    """Orders of contracts that nobody began to deliver."""
    enqueue_each("fulfillment.deliver_order", queries.undelivered_orders(limit=PER_SWEEP))


@job("fulfillment.settle", of=Order)
def settle(order_id: UUID) -> None:
    """Settle the lines of an order whose return window has closed."""
    settlements.settle_order(order_id=order_id, actor=SYSTEM)


@job("fulfillment.close_order", of=Order)
def close_order(order_id: UUID) -> None:
    """Settle an order whose lines have all come to their end."""
    settlements.close_order(order_id=order_id, actor=SYSTEM)


@job("fulfillment.expire_return", of=LeadReturn)
def expire_return(return_id: UUID) -> None:
    """Let the buyer be right where the exchange was silent."""
    returns.expire(return_id=return_id, actor=SYSTEM)


@job("fulfillment.close_return", of=LeadReturn)
def close_return(return_id: UUID) -> None:
    """End a return to which nobody can object any more."""
    returns.close(return_id=return_id, actor=SYSTEM)


@sweep("fulfillment.deliver", seconds=10)
def find_deliveries() -> None:
    """Deliveries that are waiting."""
    enqueue_each("fulfillment.deliver", queries.waiting_deliveries(limit=PER_SWEEP))


@sweep("fulfillment.settle", seconds=30)
def find_closed_windows() -> None:
    """Orders with a line whose window has closed."""
    enqueue_each("fulfillment.settle", queries.orders_to_settle(clock.now(), limit=PER_SWEEP))


@sweep("fulfillment.reserves", seconds=3_600)
def release_reserves() -> None:
    """Make payable what no reserve needs any more."""
    settlements.release_reserves()


@sweep("fulfillment.close_order", seconds=30)
def find_ended_orders() -> None:
    """Orders whose lines have all come to their end."""
    enqueue_each("fulfillment.close_order", queries.orders_to_close(limit=PER_SWEEP))


@sweep("fulfillment.expire_return", seconds=30)
def find_silence() -> None:
    """Returns about which the exchange was silent past its deadline."""
    enqueue_each(
        "fulfillment.expire_return", queries.returns_past_deadline(clock.now(), limit=PER_SWEEP)
    )


@sweep("fulfillment.close_return", seconds=300)
def find_returns_to_close() -> None:
    """Decided returns to which nobody can object any more."""
    enqueue_each("fulfillment.close_return", queries.returns_to_close(clock.now(), limit=PER_SWEEP))


@job("fulfillment.stop", of=Order)
def stop(order_id: UUID) -> None:
    """Let a delivery that waits go of people who must not be handed over any more."""
    deliveries.stop(order_id=order_id, actor=SYSTEM)


@sweep("fulfillment.stop", seconds=10)
def find_stopped() -> None:
    """Orders that wait with a lead that has left sale."""
    enqueue_each("fulfillment.stop", queries.orders_to_stop(limit=PER_SWEEP))


@job("fulfillment.remind", of=ErasureNotice)
def remind(notice_id: UUID) -> None:
    """Say again to a buyer that a person is erased."""
    erasure_notices.remind(notice_id=notice_id)


@sweep("fulfillment.remind", seconds=3_600)
def find_unanswered() -> None:
    """Notices of erasures without an answer for a week."""
    enqueue_each("fulfillment.remind", queries.notices_to_remind(clock.now(), limit=PER_SWEEP))


@job("fulfillment.watch", of=Batch)
def watch(batch_id: UUID) -> None:
    """See whether so many leads of a lot came back that it is to be looked behind."""
    guarantees.watch(batch_id=batch_id, actor=SYSTEM)


@sweep("fulfillment.watch", seconds=600)
def find_returned() -> None:
    """Lots of which leads came back during the last hour."""
    enqueue_each("fulfillment.watch", sold.lots_to_watch(clock.now() - WATCHED, limit=PER_SWEEP))


@job("fulfillment.guarantee", of=GuaranteeRun)
def settle_guarantee(run_id: UUID) -> None:
    """Refund each sold lead its share of a lot whose seller chose nothing in time."""
    guarantees.settle(run_id=run_id, actor=SYSTEM)


@sweep("fulfillment.guarantee", seconds=60)
def find_silent_sellers() -> None:
    """Lots that broke their promise a day ago."""
    enqueue_each("fulfillment.guarantee", sold.silent_runs(clock.now(), limit=PER_SWEEP))


@job("fulfillment.expire_action", of=Conversion)
def expire_action(conversion_id: UUID) -> None:
    """Decide an action as the contract says where its buyer said nothing in time."""
    conversions.expire(conversion_id=conversion_id, actor=SYSTEM)


@sweep("fulfillment.expire_action", seconds=30)
def find_undecided_actions() -> None:
    """Actions that are past their day."""
    enqueue_each(
        "fulfillment.expire_action", queries.actions_past_due(clock.now(), limit=PER_SWEEP)
    )


@job("fulfillment.settle_action", of=Conversion)
def settle_action(conversion_id: UUID) -> None:
    """Divide the money of an approved action."""
    settlements.settle_action(conversion_id=conversion_id, actor=SYSTEM)


@sweep("fulfillment.settle_action", seconds=30)
def find_approved_actions() -> None:
    """Approved actions whose money lies ready."""
    enqueue_each("fulfillment.settle_action", queries.actions_to_settle(limit=PER_SWEEP))
