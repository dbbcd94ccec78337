"""What a decided return does: money, slot and lead follow the outcome, together or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from exchange.billing.services import refunds
from exchange.catalog.policies import ReturnReason
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import lock
from exchange.core.errors import Conflict
from exchange.core.events import Ref
from exchange.core.jobs import enqueue
from exchange.core.states import transition
from exchange.fulfillment import queries
from exchange.fulfillment.conversion_models import (
    Conversion,
    ConversionStatus,
    RejectionReason,
)
from exchange.fulfillment.deadlines import CONTEST_TIME
from exchange.fulfillment.models import LeadReturn, ReturnOutcome, ReturnStatus
from exchange.fulfillment.queries import OPEN
from exchange.fulfillment.services import conversions
from exchange.fulfillment.services import lines as steps
from exchange.leads.services import batches, suppression
from exchange.market.models import LineStatus, OrderLine

# These say nothing about the lead, only about it and this buyer: somebody else can have it, so
# its slot is free again. After all other reasons it is not sold any more (decision 47).
OF_THE_BUYER: Final = frozenset(
    {ReturnReason.DUPLICATE, ReturnReason.OUTSIDE_CRITERIA, ReturnReason.LANGUAGE_BARRIER}
)


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale in the books: the lead's own, or its action's."""

    ref: Ref
    is_settled: bool
    action: Conversion | None = None


def lock_with_line(lead_return: LeadReturn) -> tuple[LeadReturn, OrderLine]:
    """A return and its line as they are now; the line first, as everywhere."""
    line = lock(OrderLine, lead_return.line_id)
    return lock(LeadReturn, lead_return.id), line


def grant(
    lead_return: LeadReturn,
    line: OrderLine,
    *,
    to: ReturnStatus,
    explanation: str,
    actor: Actor,
    **facts: Any,  # Any: JSON values
) -> None:
    """Give what was paid for a locked line back, whole, and say why; the seller may object.

    Of a lead that is paid by its action that is the action's price, or nothing. Raises Conflict
    `already_decided`.
    """
    _decide(lead_return, ReturnOutcome.APPROVED, explanation=explanation, actor=actor)
    lead_return.contest_until = clock.now() + CONTEST_TIME
    sold = sale_of(line, actor=actor)
    line.refunded = line.charged.amount
    transition(
        line,
        LineStatus.RETURNED,
        actor=actor,
        organization_id=line.buyer_id,
        reason=lead_return.reason,
    )
    # The lead before the money: whoever buys it locks in the same order.
    _settle_lead(lead_return, line, actor=actor)
    if sold is not None:
        _refund(sold, line, reason=lead_return.reason, actor=actor)
    transition(lead_return, to, actor=actor, outcome=ReturnOutcome.APPROVED.value, **facts)
    enqueue("fulfillment.close_order", line.order_id)


def sale_of(line: OrderLine, *, actor: Actor) -> Sold | None:
    """How the books know what a locked line cost; None where it cost nothing.

    An action that waits for a decision is ended by it.
    """
    if not line.is_per_action:
        return Sold(Ref.to(line), line.status is LineStatus.SETTLED)
    paid = conversions.end_by_check(line, actor=actor)
    return Sold(Ref.to(paid), paid.settled_at is not None, paid) if paid else None


def refunded_sale(line: OrderLine) -> Ref | None:
    """How the books know the refunded sale of a returned line; None where nothing was paid."""
    if not line.is_per_action:
        return Ref.to(line)
    reported = queries.conversions_of_line(line.id)
    return next((Ref.to(c) for c in reported if c.status is ConversionStatus.REVERSED), None)


def deny(lead_return: LeadReturn, *, explanation: str, actor: Actor) -> None:
    """Leave the money where it is and say why."""
    _decide(lead_return, ReturnOutcome.DENIED, explanation=explanation, actor=actor)
    denied = ReturnOutcome.DENIED.value
    transition(lead_return, ReturnStatus.DECIDED, actor=actor, outcome=denied)


def _refund(sold: Sold, line: OrderLine, *, reason: str, actor: Actor) -> None:
    refunds.refund(
        ref=sold.ref,
        buyer_id=line.buyer_id,
        seller_id=line.seller_id,
        price=line.price,
        settled=sold.is_settled,
        reason_key=reason,
        actor=actor,
    )
    if sold.action is not None:
        why = RejectionReason.FAILED_CHECK
        conversions.reverse(sold.action, reason=why, actor=actor)


def _decide(
    lead_return: LeadReturn, outcome: ReturnOutcome, *, explanation: str, actor: Actor
) -> None:
    if lead_return.status not in OPEN:
        raise Conflict("This return was decided already.", code="already_decided")
    lead_return.outcome = outcome
    lead_return.explanation = explanation
    lead_return.decided_at = clock.now()
    lead_return.decided_by_id = actor.id


def _settle_lead(lead_return: LeadReturn, line: OrderLine, *, actor: Actor) -> None:
    if lead_return.reason in OF_THE_BUYER:
        steps.give_slots_back({line.id: line.lead_id})
        return
    batches.quarantine_leads(lead_ids=[line.lead_id], reason=lead_return.reason, actor=actor)
    if lead_return.reason == ReturnReason.DO_NOT_CALL:
        suppression.suppress_person(lead_id=line.lead_id, origin="do_not_call", actor=actor)
