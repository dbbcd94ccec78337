"""Verbs of returns: asked for, decided by rule or by a person, objected to, arbitrated, closed.

A verified defect is always refunded whole, without a quota. Where the exchange is silent past its
deadline the buyer is right (decision 47); nobody else loses by saying nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from exchange.billing import queries as billing
from exchange.billing.services import refunds
from exchange.catalog import queries as catalog
from exchange.catalog.policies import ReturnReason
from exchange.catalog.scripts import Outcome
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Forbidden, Gone, Invalid, NotFound
from exchange.core.states import transition
from exchange.fulfillment import deadlines, queries
from exchange.fulfillment.models import LeadReturn, ReturnOutcome, ReturnStatus
from exchange.fulfillment.queries import OPEN, Rules
from exchange.fulfillment.services import lines as steps
from exchange.fulfillment.services import outcomes
from exchange.identity.permissions import Permission
from exchange.leads import queries as inventory
from exchange.leads.models import Lead
from exchange.leads.services import batches
from exchange.market.models import LineStatus, OrderLine
from exchange.verification import queries as verification
from exchange.verification.models import OF_THE_DECISION, OutcomeClass

FAILED_CHECK: Final = "failed_check"
SILENCE: Final = "The exchange did not decide in time, so the money goes back."
CHECKED: Final = "A check found this lead bad after it was sold."
# What a check may have found that bears out "the number is disconnected or somebody else's".
WRONG_NUMBERS: Final = frozenset({Outcome.NUMBER_DEAD.value, Outcome.WRONG_PERSON.value})
RETURNABLE: Final = frozenset({LineStatus.DELIVERED, LineStatus.SETTLED})


def request_return(*, line_id: UUID, reason: str, note: str = "", actor: Actor) -> LeadReturn:
    """Ask for the money of one lead back, inside its window and for a covered reason.

    What a machine can decide is decided at once: a person bought twice, a number that a check has
    found dead. Everything else goes to the operator, with a deadline after which the buyer is
    right. Raises NotFound, Invalid (the reason), Conflict `already_requested` or `nothing_paid`,
    Gone `window_closed`.
    """
    line = lock(OrderLine, line_id)
    if actor.kind != SYSTEM.kind and line.buyer_id != actor.organization_id:
        raise NotFound
    _require_returnable(line)
    rules = queries.rules_of(line)
    _require_reason(rules, reason, note)
    lead_return = _open(line, rules, reason=reason, note=note)
    events.record("return.requested", subject=lead_return, actor=actor, reason=reason)
    if not _is_decided_by_rule(lead_return, line, rules):
        transition(lead_return, ReturnStatus.IN_RECHECK, actor=actor)
    return lead_return


def decide(
    *, return_id: UUID, outcome: ReturnOutcome, explanation: str, actor: Actor
) -> LeadReturn:
    """The operator's decision, shown to both sides with its explanation.

    Raises Forbidden, Invalid for a partial outcome or without an explanation, and Conflict for a
    return that was decided.
    """
    _require_staff(actor)
    _require_words(explanation)
    lead_return, line = outcomes.lock_with_line(get(LeadReturn, return_id))
    if outcome is ReturnOutcome.APPROVED:
        outcomes.grant(
            lead_return, line, to=ReturnStatus.DECIDED, explanation=explanation, actor=actor
        )
    elif outcome is ReturnOutcome.DENIED:
        outcomes.deny(lead_return, explanation=explanation, actor=actor)
    else:
        detail = "A lead is refunded whole or not at all."
        raise Invalid(errors=(FieldProblem("/outcome", "value_not_allowed", detail),))
    return lead_return


def contest_return(*, return_id: UUID, explanation: str, actor: Actor) -> LeadReturn:
    """The seller's objection to money given back; the operator has the last word.

    The buyer keeps the money meanwhile. Raises NotFound, Conflict for a return that was denied,
    Gone `contest_closed` when the time for objections is over.
    """
    _require_words(explanation)
    lead_return = lock(LeadReturn, return_id)
    if lead_return.seller_id != actor.organization_id:
        raise NotFound
    if lead_return.outcome is ReturnOutcome.DENIED:
        raise Conflict("This return was decided for you.", code="nothing_to_contest")
    now = clock.after_lock()
    if lead_return.contest_until is not None and now > lead_return.contest_until:
        raise Gone("The time for objections is over.", code="contest_closed")
    lead_return.contest = explanation
    lead_return.decide_by = _deadline(get(Lead, lead_return.lead_id))
    transition(lead_return, ReturnStatus.CONTESTED, actor=actor)
    return lead_return


def arbitrate(
    *, return_id: UUID, outcome: ReturnOutcome, explanation: str, actor: Actor
) -> LeadReturn:
    """The last word on an objection.

    Approved: the money stays with the buyer. Denied: the seller was right and is paid by the
    exchange, which had decided wrongly; the buyer is not charged again and the contact stays
    closed. Raises as `decide` does.
    """
    _require_staff(actor)
    _require_words(explanation)
    if outcome is ReturnOutcome.PARTIAL:
        detail = "A lead is refunded whole or not at all."
        raise Invalid(errors=(FieldProblem("/outcome", "value_not_allowed", detail),))
    lead_return, line = outcomes.lock_with_line(get(LeadReturn, return_id))
    _arbitrate(lead_return, line, outcome=outcome, explanation=explanation, actor=actor)
    return lead_return


def expire(*, return_id: UUID, actor: Actor = SYSTEM) -> LeadReturn:
    """Let the buyer be right where the exchange has said nothing until its deadline."""
    lead_return, line = outcomes.lock_with_line(get(LeadReturn, return_id))
    if clock.after_lock() < lead_return.decide_by:
        return lead_return
    if lead_return.status in OPEN:
        outcomes.grant(
            lead_return,
            line,
            to=ReturnStatus.DECIDED,
            explanation=SILENCE,
            actor=actor,
            by_silence=True,
        )
    elif lead_return.status is ReturnStatus.CONTESTED:
        stays = ReturnOutcome.APPROVED
        _arbitrate(lead_return, line, outcome=stays, explanation=SILENCE, actor=actor)
    return lead_return


def close(*, return_id: UUID, actor: Actor = SYSTEM) -> LeadReturn:
    """End a decided return to which nobody can object any more; otherwise leave it as it is."""
    lead_return = lock(LeadReturn, return_id)
    until = lead_return.contest_until
    decided = lead_return.status in {ReturnStatus.AUTO_DECIDED, ReturnStatus.DECIDED}
    is_over = decided and (until is None or clock.after_lock() >= until)
    if is_over or lead_return.status is ReturnStatus.ARBITRATED:
        transition(lead_return, ReturnStatus.CLOSED, actor=actor)
    return lead_return


def refund_failed_check(*, lead_id: UUID, evidence: dict[str, Any], actor: Actor) -> int:
    """Refund every holder of a lead that a check found bad, without a claim (decision 9).

    A return that is open anyway is granted by it: one answer for all (decision 47). What a lot is
    decided by acts at the decision, and not before. Returns how many were refunded; safe to repeat.
    """
    waits = evidence.get("purpose") in OF_THE_DECISION
    if waits and verification.is_sampled(lead_id):
        return 0
    held = [line for line in steps.lock_lines_of_lead(lead_id) if line.status in RETURNABLE]
    for line in held:
        lead_return = _returned_by_check(line)
        lead_return.evidence = {**lead_return.evidence, **evidence}
        automatic = lead_return.status is ReturnStatus.REQUESTED
        outcomes.grant(
            lead_return,
            line,
            to=ReturnStatus.AUTO_DECIDED if automatic else ReturnStatus.DECIDED,
            explanation=CHECKED,
            actor=actor,
        )
    batches.quarantine_leads(lead_ids=[lead_id], reason=FAILED_CHECK, actor=actor)
    return len(held)


def _require_returnable(line: OrderLine) -> None:
    if line.is_per_action:
        detail = "This lead is paid by its action: reject the action instead."
        raise Conflict(detail, code="nothing_paid")
    if line.status is LineStatus.RETURNED or queries.find_return_of_line(line.id) is not None:
        raise Conflict("A return of this lead was asked for already.", code="already_requested")
    if line.status is LineStatus.SETTLED:
        raise Gone("The return window of this lead has closed.", code="window_closed")
    if line.status is not LineStatus.DELIVERED or line.window_until is None:
        raise Conflict("This lead was not delivered.", code="not_delivered")
    if clock.after_lock() > line.window_until:
        raise Gone("The return window of this lead has closed.", code="window_closed")


def _require_reason(rules: Rules, reason: str, note: str) -> None:
    if reason not in rules.reasons:
        detail = "This is no reason for which a lead is taken back."
        raise Invalid(errors=(FieldProblem("/reason", "reason_not_covered", detail),))
    if reason == ReturnReason.OTHER and not note.strip():
        detail = "Say in a few words what is wrong."
        raise Invalid(errors=(FieldProblem("/note", "missing_required", detail),))


def _require_staff(actor: Actor) -> None:
    if not actor.may(Permission.RETURN_ARBITRATE):
        raise Forbidden("Only the operator decides about returns.")


def _require_words(explanation: str) -> None:
    if not explanation.strip():
        detail = "Both sides read why; say it in a few words."
        raise Invalid(errors=(FieldProblem("/explanation", "missing_required", detail),))


def _open(line: OrderLine, rules: Rules | None, *, reason: str, note: str = "") -> LeadReturn:
    lead = get(Lead, line.lead_id)
    return save(
        LeadReturn(
            line_id=line.id,
            lead_id=line.lead_id,
            buyer_id=line.buyer_id,
            seller_id=line.seller_id,
            reason=reason,
            note=note.strip(),
            evidence={},
            decide_by=_deadline(lead) if rules else clock.now(),
        )
    )


def _deadline(lead: Lead) -> datetime:
    definition = catalog.get_definition(inventory.vertical_of(lead.vertical_id))
    return deadlines.decide_by(
        clock.now(),
        hours=definition.terms.calling_hours,
        time_zone=definition.time_zone_of(lead.region),
    )


def _is_decided_by_rule(lead_return: LeadReturn, line: OrderLine, rules: Rules) -> bool:
    explanation = ""
    if lead_return.reason == ReturnReason.DUPLICATE:
        window = timedelta(days=rules.terms.duplicate_window_days)
        earlier = queries.earlier_purchases(line, window=window)
        lead_return.evidence = {"earlier_lines": [found.public_id for found in earlier]}
        explanation = "This person had been bought before, inside the window." if earlier else ""
    elif lead_return.reason == ReturnReason.NUMBER_WRONG:
        known = verification.known_outcome(line.lead_id)
        if known is not None:
            lead_return.evidence = {"outcome": known[0].value, "code": known[1]}
            is_wrong = known[0] is OutcomeClass.BAD and known[1] in WRONG_NUMBERS
            explanation = "A check had found that this number is wrong." if is_wrong else ""
    if not explanation:
        return False
    auto = ReturnStatus.AUTO_DECIDED
    outcomes.grant(lead_return, line, to=auto, explanation=explanation, actor=SYSTEM)
    return True


def _returned_by_check(line: OrderLine) -> LeadReturn:
    """The return that is open anyway, else a new one that nobody asked for."""
    found = queries.find_return_of_line(line.id)
    if found is not None and found.status in OPEN:
        return lock(LeadReturn, found.id)
    return _open(line, None, reason=FAILED_CHECK)


def _arbitrate(
    lead_return: LeadReturn,
    line: OrderLine,
    *,
    outcome: ReturnOutcome,
    explanation: str,
    actor: Actor,
) -> None:
    if lead_return.status is not ReturnStatus.CONTESTED:
        raise Conflict("Nobody objected to this return.", code="not_contested")
    lead_return.arbitration = explanation
    lead_return.outcome = outcome
    lead_return.decided_by_id = actor.id
    sale = outcomes.refunded_sale(line)
    if outcome is ReturnOutcome.DENIED and sale is not None:
        vertical = inventory.vertical_of(get(Lead, line.lead_id).vertical_id)
        refunds.compensate(
            ref=sale,
            seller_id=line.seller_id,
            price=line.price,
            commission_bps=billing.commission_bps(vertical.code, line.created_at),
            actor=actor,
        )
    transition(lead_return, ReturnStatus.ARBITRATED, actor=actor, outcome=outcome.value)
