"""Checkout sessions in payment mode: created, then paid, expired or left.

A session is paid at most once: whoever pays a finished one changes nothing.
"""

from __future__ import annotations

from stripe_sandbox import lists
from stripe_sandbox.call import Call
from stripe_sandbox.errors import StripeError, invalid, missing
from stripe_sandbox.messages import Json
from stripe_sandbox.params import LARGEST_AMOUNT, Params
from stripe_sandbox.resources import payments

_SHORTEST, _LONGEST = 30 * 60, 24 * 3600
# Stripe's least amounts, in minor units; the others are not checked.
_LEAST = {"eur": 50, "gbp": 30, "myr": 200, "usd": 50}
OUTCOMES = ("paid", "declined", "unpaid")


def create(call: Call) -> Json:
    call.params.choice("mode", of=("payment",))
    items = [_item(call, item) for item in call.params.groups("line_items")]
    if not items:
        raise missing("line_items")
    return call.store.put(_new_session(call, items))


def _item(call: Call, item: Params) -> Json:
    price_data = item.group("price_data")
    unit, quantity = price_data.required_amount("unit_amount"), item.amount("quantity") or 1
    currency, total = price_data.currency(), unit * quantity
    return {
        "id": call.store.next_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": price_data.group("product_data").required("name"),
        "price": {"object": "price", "currency": currency, "unit_amount": unit},
        "quantity": quantity,
    }


def _total(items: list[Json]) -> int:
    """The sum of the items; raises StripeError when it cannot be charged in one payment."""
    currency: str = items[0]["currency"]
    total: int = sum(item["amount_total"] for item in items)
    if any(item["currency"] != currency for item in items):
        raise invalid("line_items", "All line items must be in the same currency.")
    if total < _LEAST.get(currency, 1):
        message = f"The total must be at least {_LEAST[currency]} in the minor unit of {currency}."
        raise invalid("line_items", message, code="amount_too_small")
    if total > LARGEST_AMOUNT:
        message = f"The total must be no more than {LARGEST_AMOUNT}."
        raise invalid("line_items", message, code="amount_too_large")
    return total


def _new_session(call: Call, items: list[Json]) -> Json:
    params, session_id = call.params, call.store.next_id("cs_test")
    success_url = params.address("success_url")
    if success_url is None:
        raise missing("success_url")
    url = f"/v1/checkout/sessions/{session_id}/line_items"
    listed = {"object": "list", "data": items, "has_more": False, "url": url}
    return {
        "id": session_id,
        "object": "checkout.session",
        "amount_subtotal": _total(items),
        "amount_total": _total(items),
        "cancel_url": params.address("cancel_url"),
        "client_reference_id": _reference(params),
        "created": call.store.now(),
        "currency": items[0]["currency"],
        "customer_creation": None if params.text("customer") else "if_required",
        "customer_email": params.text("customer_email"),
        "expires_at": _expiry(call),
        "livemode": False,
        "locale": params.text("locale"),
        "metadata": params.metadata(),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "success_url": success_url,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{call.world.base_url}/pay/{session_id}",
        "_line_items": listed,
        "_payment_intent_data": _intent_data(params.group("payment_intent_data")),
        **_customer(call),
    }


def _reference(params: Params) -> str | None:
    reference = params.text("client_reference_id")
    if reference is not None and len(reference) > 200:
        raise invalid("client_reference_id", "A reference has at most 200 characters.")
    return reference


def _expiry(call: Call) -> int:
    now = call.store.now()
    expires_at = call.params.whole("expires_at") or now + _LONGEST
    if not _SHORTEST <= expires_at - now <= _LONGEST:
        raise invalid("expires_at", "A session expires 30 minutes to 24 hours after its creation.")
    return expires_at


def _intent_data(params: Params) -> Json:
    names = ("description", "statement_descriptor", "transfer_group")
    given = {name: params.text(name) for name in names if params.text(name) is not None}
    return {"metadata": params.metadata(), **given}


def _customer(call: Call) -> Json:
    customer_id, email = call.params.text("customer"), call.params.text("customer_email")
    name = None
    if customer_id is not None:
        customer = call.own("customer", customer_id, param="customer")
        email, name = customer["email"], customer["name"]
    return {"customer": customer_id, "customer_details": {"email": email, "name": name}}


def retrieve(call: Call) -> Json:
    return call.own("checkout.session")


def list_items(call: Call) -> Json:
    session = call.own("checkout.session")
    items, url = session["_line_items"]["data"], session["_line_items"]["url"]
    return lists.cut(call.params, items, url=url)


def list_all(call: Call) -> Json:
    filters = ("payment_intent", "customer", "status")
    return lists.page(call, "checkout.session", url="/v1/checkout/sessions", filters=filters)


def expire(call: Call) -> Json:
    session = call.own("checkout.session")
    if session["status"] != "open":
        raise StripeError(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of `{session['status']}`."
        )
    return end(call, session)


def end(call: Call, session: Json) -> Json:
    """Nobody can pay it any more."""
    session |= {"status": "expired", "url": None}
    call.emit("checkout.session.expired", call.store.put(session))
    return session


def expire_overdue(call: Call) -> None:
    """End every open session whose time has passed."""
    for session in call.store.sessions_past_their_time():
        end(call, session)


def pay(call: Call) -> Json:
    """Finish a session as the payer's bank answers: paid, declined, or unpaid as yet.

    An unpaid one is finished by a second call with paid or declined.
    """
    outcome = call.params.choice("outcome", of=OUTCOMES, default="paid")
    session = call.own("checkout.session")
    if session["status"] == "open":
        return _first_answer(call, session, outcome=outcome)
    if session["status"] == "complete" and session["payment_status"] == "unpaid":
        return _late_answer(call, session, outcome=outcome)
    return session


def _first_answer(call: Call, session: Json, *, outcome: str) -> Json:
    intent = payments.intend(call, session)
    if outcome == "declined":
        payments.decline(call, intent)
        return call.store.put(session)
    settle = payments.succeed if outcome == "paid" else payments.delay
    settle(call, intent)
    session |= {"status": "complete", "payment_status": outcome, "url": None}
    call.emit("checkout.session.completed", call.store.put(session))
    return session


def _late_answer(call: Call, session: Json, *, outcome: str) -> Json:
    intent = payments.intend(call, session)
    if intent["status"] != "processing" or outcome == "unpaid":
        return session
    if outcome == "declined":
        payments.decline(call, intent)
        call.emit("checkout.session.async_payment_failed", session)
        return session
    payments.succeed(call, intent)
    session["payment_status"] = "paid"
    call.emit("checkout.session.async_payment_succeeded", call.store.put(session))
    return session
