"""What follows a sale starts here: orders are delivered or stopped, failed checks refunded."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from exchange.core.actors import SYSTEM
from exchange.core.db import get
from exchange.core.events import Event, on
from exchange.core.jobs import enqueue, enqueue_each
from exchange.fulfillment import queries
from exchange.fulfillment.models import LeadReturn, ReturnOutcome
from exchange.fulfillment.services import deliveries, erasure_notices, returns
from exchange.leads.models import Batch, Lead
from exchange.verification import queries as verification

STOPPED_AT_ONCE: Final = 50  # the sweep finds the rest


@on("order.confirmed")
def deliver_order(event: Event) -> None:
    """Through the portal, inside the transaction that confirms the order: see `deliveries`."""
    deliveries.deliver_order(order_id=event.subject.id, actor=SYSTEM)


@on("listing.matched")
def deliver_to_contracts(event: Event) -> None:
    """What contracts bought is handed over afterwards: the batch that matches must stay quick."""
    enqueue("fulfillment.deliver_matched", event.subject.id)


@on("inspection.concluded")
def refund_holders(event: Event) -> None:
    """A check found a lead bad: whoever bought it has the money back at once (decision 9)."""
    facts = event.facts
    if facts["outcome"] != "bad" or facts["purpose"] == "gold":
        return
    evidence = {"outcome": facts["outcome"], "code": facts["code"], "purpose": facts["purpose"]}
    returns.refund_failed_check(lead_id=UUID(facts["lead_id"]), evidence=evidence, actor=SYSTEM)


@on("return.auto_decided")
@on("return.decided")
def watch_lot(event: Event) -> None:
    """Leads that come back make a lot suspicious; rows lock in another order, so it is a job."""
    lead_return = get(LeadReturn, event.subject.id)
    if lead_return.outcome is ReturnOutcome.APPROVED:
        enqueue("fulfillment.watch", get(Lead, lead_return.lead_id).batch_id)


@on("lead.suppressed")
@on("lead.purged")
def stop_deliveries(event: Event) -> None:
    """Deliveries under way let go of the person; orders lock in another order, so it is a job."""
    del event
    enqueue_each("fulfillment.stop", queries.orders_to_stop(limit=STOPPED_AT_ONCE))


@on("person.erased")
def tell_holders(event: Event) -> None:
    """Whoever received the person is told, in the transaction that erases."""
    erasure_notices.tell_holders(erasure_id=event.subject.id)


@on("batch.accepted")
@on("batch.rejected")
@on("batch.undecided")
def refund_what_was_sold_unchecked(event: Event) -> None:
    """Leads of a lot that sold while it grew: who was found bad is refunded at the decision."""
    if not get(Batch, event.subject.id).is_rolling:
        return  # nothing of a file is sold before its check
    for inspection in verification.found_bad(event.subject.id):
        evidence = {"outcome": "bad", "code": inspection.code, "purpose": inspection.purpose.value}
        returns.refund_failed_check(lead_id=inspection.lead_id, evidence=evidence, actor=SYSTEM)
