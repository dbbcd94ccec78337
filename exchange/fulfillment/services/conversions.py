"""Verbs of actions under CPA: reported by the buyer, approved, rejected, or left past their day.

Locks are taken in one order: contract, line, conversion, then the money. The price of an action is
set apart when it is reported, so that a seller never waits for a buyer to pay in.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from exchange.billing.models import Reason
from exchange.billing.services import debts, holds
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Gone, Invalid, NotFound
from exchange.core.events import Ref
from exchange.core.jobs import enqueue
from exchange.core.states import transition
from exchange.fulfillment import queries
from exchange.fulfillment.conversion_models import (
    CHOSEN,
    Conversion,
    ConversionStatus,
    RejectionReason,
)
from exchange.fulfillment.services import lines as steps
from exchange.leads.models import Lead, LeadStatus
from exchange.market import queries as market
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import ActionTerms, PastDue
from exchange.market.models import LineAction, LineStatus, Order, OrderLine
from exchange.market.services import action_holds

REFERENCE_CHARACTERS_MAX: Final = 100
TOO_LATE: Final = "Reported after the attribution window had closed."
SILENCE: Final = "The buyer did not decide in time, so the contract's own rule did."
S = ConversionStatus


def report(*, line_id: UUID, reference: str, actor: Actor) -> Conversion:
    """Say that the person of a lead did what the contract pays for, under the buyer's own id.

    Its price is set apart from the contract's pool, then from the wallet, credit and debt. A report
    after the window is kept and rejected, so that the seller sees it. Repeated with the same id it
    answers with the first one. Raises NotFound, Invalid, Conflict (`not_per_action`,
    `not_delivered`, `reference_used`, `already_reported`) and Gone (`returned`, `contact_erased`).
    """
    number = _read_reference(reference)
    contract = _lock_contract(line_id, actor)
    known = queries.find_reported(contract.id, number)
    if known is not None:
        return _repeated(known, line_id)
    line = lock(OrderLine, line_id)
    _require_open(line)
    agreed = market.action_terms(get(Order, line.order_id))
    assert agreed is not None
    conversion = _write(contract, line, number)
    events.record("conversion.reported", subject=conversion, actor=actor)
    _hold(conversion, line, contract=contract, agreed=agreed, actor=actor)
    return conversion


def approve(*, conversion_id: UUID, actor: Actor) -> Conversion:
    """Let the seller have what was set apart; commission and reserve are taken a moment later.

    Raises NotFound and Conflict `already_decided`; approving twice changes nothing.
    """
    conversion, line = _lock_mine(conversion_id, actor)
    if conversion.status is S.APPROVED:
        return conversion
    _require_undecided(conversion)
    _approve(conversion, line, actor=actor)
    return conversion


def reject(*, conversion_id: UUID, reason: str, explanation: str = "", actor: Actor) -> Conversion:
    """Take back what was set apart, for a reason that the seller reads.

    Raises NotFound, Invalid (the reason; `other` without words) and Conflict `already_decided`.
    """
    found = _require_reason(reason, explanation)
    # The lead is open again and the pool follows it, so the contract is locked first.
    lock(Contract, queries.get_conversion(conversion_id, viewer=actor.organization_id).contract_id)
    conversion, line = _lock_mine(conversion_id, actor)
    _require_undecided(conversion)
    conversion.explanation = explanation.strip()
    _reject(conversion, line, reason=found, actor=actor)
    action_holds.follow(contract_id=conversion.contract_id, actor=actor)
    return conversion


def expire(*, conversion_id: UUID, actor: Actor = SYSTEM) -> Conversion:
    """Decide as the contract says where its buyer said nothing in time; safe to repeat."""
    seen = get(Conversion, conversion_id)
    lock(Contract, seen.contract_id)
    line = lock(OrderLine, seen.line_id)
    conversion = lock(Conversion, conversion_id)
    is_over = conversion.decide_by is not None and clock.after_lock() >= conversion.decide_by
    if conversion.status is not S.ON_HOLD or not is_over:
        return conversion
    agreed = market.action_terms(get(Order, line.order_id))
    assert agreed is not None
    conversion.by_default = True
    if agreed.past_due is PastDue.APPROVE:
        _approve(conversion, line, actor=actor)
        return conversion
    conversion.explanation = SILENCE
    _reject(conversion, line, reason=RejectionReason.PAST_DUE, actor=actor)
    action_holds.follow(contract_id=conversion.contract_id, actor=actor)
    return conversion


def end_by_check(line: OrderLine, *, actor: Actor) -> Conversion | None:
    """A check found the lead of a locked line bad: what waits for a decision is rejected.

    Returns the action that was paid for, locked, whose money is the caller's to give back. The pool
    follows in a job: here the lines are locked already, and a contract goes before them.
    """
    steps.let_pool_follow(line.contract_id)
    live = queries.find_live_conversion(line.id)
    if live is None:
        return None
    conversion = lock(Conversion, live.id)
    if conversion.status is S.ON_HOLD:
        _reject(conversion, line, reason=RejectionReason.FAILED_CHECK, actor=actor)
        return None
    return conversion


def reverse(conversion: Conversion, *, reason: RejectionReason, actor: Actor) -> None:
    """The money of a locked, approved action went back whole."""
    conversion.reason = reason
    transition(conversion, S.REVERSED, actor=actor, reason=reason)


def _read_reference(reference: str) -> str:
    number = reference.strip()
    if not 0 < len(number) <= REFERENCE_CHARACTERS_MAX:
        detail = (
            f"Give the action an id of your own, at most {REFERENCE_CHARACTERS_MAX} characters."
        )
        raise Invalid(errors=(FieldProblem("/reference", "missing_required", detail),))
    return number


def _lock_contract(line_id: UUID, actor: Actor) -> Contract:
    """The contract of the buyer's own line, locked before the line is."""
    line = market.get_line(line_id, viewer=actor.organization_id)
    if not line.is_per_action or line.contract_id is None:
        raise Conflict("This lead is paid by itself, not by an action.", code="not_per_action")
    return lock(Contract, line.contract_id)


def _repeated(known: Conversion, line_id: UUID) -> Conversion:
    if known.line_id != line_id:
        raise Conflict("You reported another lead under this id.", code="reference_used")
    return known


def _require_open(line: OrderLine) -> None:
    if line.status is LineStatus.RETURNED:
        raise Gone("This lead was taken back; nothing is paid for it.", code="returned")
    if line.status not in market.READABLE:
        raise Conflict("This lead was not delivered.", code="not_delivered")
    if get(Lead, line.lead_id).status is LeadStatus.PURGED:
        raise Gone("This person is erased; nothing can be reported.", code="contact_erased")
    if line.action is not LineAction.NONE:
        raise Conflict("An action of this lead was reported already.", code="already_reported")


def _write(contract: Contract, line: OrderLine, reference: str) -> Conversion:
    return save(
        Conversion(
            contract_id=contract.id,
            line_id=line.id,
            lead_id=line.lead_id,
            buyer_id=line.buyer_id,
            seller_id=line.seller_id,
            reference=reference,
            price=line.price,
        )
    )


def _hold(
    conversion: Conversion,
    line: OrderLine,
    *,
    contract: Contract,
    agreed: ActionTerms,
    actor: Actor,
) -> None:
    """Set the price apart, or keep the report as one that came too late."""
    now = clock.after_lock()
    if line.window_until is None or now > line.window_until:
        conversion.explanation = TOO_LATE
        _end(conversion, S.REJECTED, actor=SYSTEM, reason=RejectionReason.AFTER_WINDOW)
        return
    line.action = LineAction.REPORTED
    conversion.decide_by = now + timedelta(days=agreed.decision_days)
    owed = action_holds.set_apart(contract=contract, line=line, ref=Ref.to(conversion), actor=actor)
    conversion.owed = owed.amount
    transition(conversion, S.ON_HOLD, actor=actor, owed=owed.amount)


def _lock_mine(conversion_id: UUID, actor: Actor) -> tuple[Conversion, OrderLine]:
    """The buyer's own action with its line, locked; the line first, as everywhere."""
    seen = get(Conversion, conversion_id)
    if seen.buyer_id != actor.organization_id:
        raise NotFound
    line = lock(OrderLine, seen.line_id)
    return lock(Conversion, conversion_id), line


def _require_undecided(conversion: Conversion) -> None:
    if conversion.status is not S.ON_HOLD:
        raise Conflict("This action was decided already.", code="already_decided")


def _require_reason(reason: str, explanation: str) -> RejectionReason:
    if reason not in CHOSEN:
        detail = "This is no reason for which an action is rejected."
        raise Invalid(errors=(FieldProblem("/reason", "value_not_allowed", detail),))
    if reason == RejectionReason.OTHER and not explanation.strip():
        detail = "Say in a few words why; the seller reads it."
        raise Invalid(errors=(FieldProblem("/explanation", "missing_required", detail),))
    return RejectionReason(reason)


def _approve(conversion: Conversion, line: OrderLine, *, actor: Actor) -> None:
    line.action = LineAction.PAID
    holds.capture_all(
        refs=[Ref.to(conversion)],
        seller_of={conversion.id: conversion.seller_id},
        reason=Reason.ACTION_APPROVED,
        actor=actor,
    )
    _end(conversion, S.APPROVED, actor=actor)
    enqueue("fulfillment.settle_action", conversion.id)


def _reject(
    conversion: Conversion, line: OrderLine, *, reason: RejectionReason, actor: Actor
) -> None:
    line.action = LineAction.NONE
    holds.release_all(refs=[Ref.to(conversion)], actor=actor)
    if conversion.owed:
        owner, currency = conversion.buyer_id, conversion.price.currency
        debts.repay(organization_id=owner, currency=currency, actor=actor)
    _end(conversion, S.REJECTED, actor=actor, reason=reason)


def _end(
    conversion: Conversion,
    to: ConversionStatus,
    *,
    actor: Actor,
    reason: RejectionReason | None = None,
) -> None:
    conversion.decided_at = clock.now()
    conversion.decided_by_id = actor.id
    conversion.reason = reason or ""
    facts = {"reason": conversion.reason} if reason else {}
    transition(conversion, to, actor=actor, by_default=conversion.by_default, **facts)
