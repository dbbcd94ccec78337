"""Payouts: from a connected account to its bank. Stripe's schedule makes them, here a control."""

from __future__ import annotations

from stripe_sandbox import lists
from stripe_sandbox.call import Call
from stripe_sandbox.errors import StripeError, invalid
from stripe_sandbox.messages import Json
from stripe_sandbox.resources import balance


def order(call: Call) -> Json:
    """Pay an account out (a control of the sandbox): `amount` or all, `outcome` paid or failed."""
    account, currency = call.own("account"), call.params.currency()
    if not account["payouts_enabled"]:
        raise StripeError("Payouts are not enabled for this account.", code="payouts_not_allowed")
    outcome = call.params.choice("outcome", of=("paid", "failed"), default="paid")
    amount = call.params.amount() or call.store.balances(account["id"]).get(currency, 0)
    if amount < 1:
        raise invalid("amount", "There is nothing to pay out.", code="balance_insufficient")
    balance.require(call, amount=amount, currency=currency, account=account["id"])
    payout = pay_out(call, account["id"], amount=amount, currency=currency)
    return payout if outcome == "paid" else fail(call, payout, account=account["id"])


def pay_out(call: Call, account: str, *, amount: int, currency: str) -> Json:
    """Move money of a connected account to its bank: created, then paid."""
    store = call.store
    payout = _new_payout(call, amount=amount, currency=currency)
    movement = balance.Movement("payout", -amount, currency, payout["id"], 0, account)
    payout["balance_transaction"] = balance.record(call, movement)
    call.emit("payout.created", store.put(payout, account=account), account=account)
    payout["status"] = "paid"
    call.emit("payout.paid", store.put(payout, account=account), account=account)
    return payout


def fail(call: Call, payout: Json, *, account: str) -> Json:
    """The bank sends it back, after it was called paid: Stripe may do so for some days."""
    movement = ("payout_failure", payout["amount"], payout["currency"], payout["id"], 0, account)
    payout["failure_balance_transaction"] = balance.record(call, balance.Movement(*movement))
    payout |= {"status": "failed", "failure_code": "account_closed"}
    payout["failure_message"] = "The bank account has been closed."
    call.emit("payout.failed", call.store.put(payout, account=account), account=account)
    return payout


def _new_payout(call: Call, *, amount: int, currency: str) -> Json:
    return {
        "id": call.store.next_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": call.store.now(),
        "automatic": True,
        "created": call.store.now(),
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "completed",
        "source_type": "card",
        "status": "in_transit",
        "type": "bank_account",
    }


def retrieve(call: Call) -> Json:
    return call.own("payout")


def list_all(call: Call) -> Json:
    return lists.page(call, "payout", url="/v1/payouts", filters=("status",))
