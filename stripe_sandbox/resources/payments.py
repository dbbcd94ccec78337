"""Payment intents and charges: what a finished checkout leaves behind."""

from __future__ import annotations

from stripe_sandbox.call import Call
from stripe_sandbox.messages import Json
from stripe_sandbox.resources import balance


def intend(call: Call, session: Json) -> Json:
    """The intent of a session, made at the first attempt to pay."""
    if session["payment_intent"] is not None:
        return call.own("payment_intent", session["payment_intent"])
    intent = call.store.put(_new_intent(call, session))
    session["payment_intent"] = intent["id"]
    call.emit("payment_intent.created", intent)
    return intent


def _new_intent(call: Call, session: Json) -> Json:
    intent_id = call.store.next_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_Sandbox",
        "confirmation_method": "automatic",
        "created": call.store.now(),
        "currency": session["currency"],
        "customer": session["customer"],
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "payment_method": None,
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "canceled_at": None,
        "transfer_group": None,
        **session["_payment_intent_data"],
    }


def succeed(call: Call, intent: Json) -> Json:
    """Charge the intent: the money less the fee is in the platform's balance."""
    charge = _new_charge(call, intent)
    fee = balance.card_fee(charge["amount"])
    movement = balance.Movement("charge", charge["amount"], charge["currency"], charge["id"], fee)
    charge["balance_transaction"] = balance.record(call, movement)
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    intent |= {"latest_charge": charge["id"], "last_payment_error": None}
    call.emit("charge.succeeded", call.store.put(charge))
    call.emit("payment_intent.succeeded", call.store.put(intent))
    return intent


def decline(call: Call, intent: Json) -> Json:
    """The card is declined: no money moves, the intent waits for another card."""
    error = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline"}
    error["message"] = "Your card was declined."
    intent |= {"status": "requires_payment_method", "last_payment_error": error}
    call.emit("payment_intent.payment_failed", call.store.put(intent))
    return intent


def delay(call: Call, intent: Json) -> Json:
    """The bank has yet to say whether it pays (bank debits and the like)."""
    intent["status"] = "processing"
    call.emit("payment_intent.processing", call.store.put(intent))
    return intent


def _new_charge(call: Call, intent: Json) -> Json:
    charge_id = call.store.next_id("ch")
    return {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": True,
        "created": call.store.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent.get("description"),
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": None,
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        "receipt_url": None,
        "refunded": False,
        "status": "succeeded",
        "transfer_group": intent["transfer_group"],
    }


def retrieve_intent(call: Call) -> Json:
    return call.own("payment_intent")


def retrieve_charge(call: Call) -> Json:
    return call.own("charge")
