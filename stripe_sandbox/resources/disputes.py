"""Disputes: the card network takes a charge back. Cardholders open them, here a control does."""

from __future__ import annotations

from stripe_sandbox import lists
from stripe_sandbox.call import Call
from stripe_sandbox.errors import StripeError
from stripe_sandbox.messages import Json
from stripe_sandbox.resources import balance

FEE = 1500


def open_on(call: Call) -> Json:
    """Dispute a charge (a control of the sandbox): the amount and a fee leave at once."""
    charge = call.own("charge")
    if charge["disputed"]:
        raise StripeError(f"Charge {charge['id']} is disputed already.", code="charge_disputed")
    dispute = _new_dispute(call, charge)
    movement = ("adjustment", -dispute["amount"], charge["currency"], dispute["id"], FEE)
    dispute["balance_transactions"] = [_moved(call, balance.Movement(*movement))]
    charge["disputed"] = True
    call.store.put(charge)
    call.emit("charge.dispute.created", call.store.put(dispute))
    call.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(call: Call) -> Json:
    """The bank decides (a control of the sandbox): won gives the amount and the fee back."""
    dispute = call.own("dispute")
    outcome = call.params.choice("outcome", of=("won", "lost"))
    if dispute["status"] != "needs_response":
        raise StripeError(f"Dispute {dispute['id']} is {dispute['status']} already.")
    dispute["status"] = outcome
    if outcome == "won":
        movement = ("adjustment", dispute["amount"], dispute["currency"], dispute["id"], -FEE)
        dispute["balance_transactions"].append(_moved(call, balance.Movement(*movement)))
        call.emit("charge.dispute.funds_reinstated", dispute)
    call.emit("charge.dispute.closed", call.store.put(dispute))
    return dispute


def _moved(call: Call, movement: balance.Movement) -> Json:
    return call.own("balance_transaction", balance.record(call, movement))


def _new_dispute(call: Call, charge: Json) -> Json:
    return {
        "id": call.store.next_id("dp"),
        "object": "dispute",
        "amount": call.params.amount() or charge["amount"] - charge["amount_refunded"],
        "charge": charge["id"],
        "created": call.store.now(),
        "currency": charge["currency"],
        "evidence_details": {"due_by": call.store.now() + 7 * 24 * 3600, "has_evidence": False},
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": call.params.text("reason") or "fraudulent",
        "status": "needs_response",
    }


def retrieve(call: Call) -> Json:
    return call.own("dispute")


def list_all(call: Call) -> Json:
    filters = ("charge", "payment_intent")
    return lists.page(call, "dispute", url="/v1/disputes", filters=filters)
