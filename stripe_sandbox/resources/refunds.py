"""Refunds of charges, in part or in full; Stripe keeps its fee."""

from __future__ import annotations

from stripe_sandbox import lists
from stripe_sandbox.call import Call
from stripe_sandbox.errors import StripeError, invalid, missing
from stripe_sandbox.messages import Json
from stripe_sandbox.resources import balance


def create(call: Call) -> Json:
    charge = _charge(call)
    amount = _amount(call, charge)
    refund = _new_refund(call, charge, amount=amount)
    movement = balance.Movement("refund", -amount, charge["currency"], refund["id"])
    refund["balance_transaction"] = balance.record(call, movement)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.emit("refund.created", call.store.put(refund))
    call.emit("charge.refunded", call.store.put(charge))
    return refund


def _charge(call: Call) -> Json:
    charge_id, intent_id = call.params.text("charge"), call.params.text("payment_intent")
    if charge_id is not None:
        return call.own("charge", charge_id, param="charge")
    if intent_id is None:
        raise missing("payment_intent")
    intent = call.own("payment_intent", intent_id, param="payment_intent")
    if intent["latest_charge"] is None:
        message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
        raise invalid("payment_intent", message)
    return call.own("charge", intent["latest_charge"])


def _amount(call: Call, charge: Json) -> int:
    left: int = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded", began=True)
    amount = call.params.amount() or left
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise StripeError(message, param="amount", began=True)
    return amount


def _new_refund(call: Call, charge: Json, *, amount: int) -> Json:
    reasons = ("duplicate", "fraudulent", "requested_by_customer")
    reason = call.params.text("reason")
    return {
        "id": call.store.next_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": call.store.now(),
        "currency": charge["currency"],
        "metadata": call.params.metadata(),
        "payment_intent": charge["payment_intent"],
        "reason": None if reason is None else call.params.choice("reason", of=reasons),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def retrieve(call: Call) -> Json:
    return call.own("refund")


def list_all(call: Call) -> Json:
    return lists.page(call, "refund", url="/v1/refunds", filters=("charge", "payment_intent"))
