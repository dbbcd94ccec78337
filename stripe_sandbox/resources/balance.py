"""Balance transactions, and the balance: nothing but their sum, available at once.

Each currency is kept apart; nothing is converted.
"""

from __future__ import annotations

from dataclasses import dataclass

from stripe_sandbox import lists
from stripe_sandbox.call import Call
from stripe_sandbox.errors import StripeError
from stripe_sandbox.messages import Json

_CATEGORY = {
    "adjustment": "dispute",
    "payment": "charge",
    "payment_refund": "refund",
    "payout_failure": "payout_reversal",
    "transfer_refund": "transfer_reversal",
}


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that came (positive) or went; `account` None is the platform."""

    type: str
    amount: int
    currency: str
    source: str
    fee: int = 0
    account: str | None = None


def card_fee(amount: int) -> int:
    """2.9 % and 30 of the minor unit, half up: Stripe's price for a card, whatever the currency."""
    return (amount * 29 + 500) // 1000 + 30


def record(call: Call, movement: Movement) -> str:
    """Keep the balance transaction and give its id."""
    store = call.store
    transaction = {
        "id": store.next_id("txn"),
        "object": "balance_transaction",
        "amount": movement.amount,
        "available_on": store.now(),
        "balance_type": "payments",
        "created": store.now(),
        "currency": movement.currency,
        "description": None,
        "exchange_rate": None,
        "fee": movement.fee,
        "fee_details": _fee_details(movement),
        "net": movement.amount - movement.fee,
        "reporting_category": _CATEGORY.get(movement.type, movement.type),
        "source": movement.source,
        "status": "available",
        "type": movement.type,
    }
    return str(store.put(transaction, account=movement.account)["id"])


def _fee_details(movement: Movement) -> list[Json]:
    if not movement.fee:
        return []
    detail = {"amount": movement.fee, "application": None, "currency": movement.currency}
    return [{**detail, "description": "Stripe processing fees", "type": "stripe_fee"}]


def require(call: Call, *, amount: int, currency: str, account: str | None = None) -> None:
    """Raise `balance_insufficient` unless the account has that much."""
    has = call.store.balances(account).get(currency, 0)
    if has < amount:
        message = (
            f"You have insufficient available funds: {amount} {currency} wanted, {has} there."
            " In the sandbox, POST /sandbox/funds adds to the platform's balance."
        )
        raise StripeError(message, code="balance_insufficient", began=True)


def add_funds(call: Call) -> Json:
    """A top-up of the platform's balance from its bank (a control of the sandbox)."""
    amount, currency = call.params.required_amount(), call.params.currency()
    store = call.store
    topup: Json = {"id": store.next_id("tu"), "object": "topup", "amount": amount}
    topup |= {"currency": currency, "created": store.now(), "livemode": False}
    topup |= {"metadata": {}, "status": "succeeded"}
    topup["balance_transaction"] = record(call, Movement("topup", amount, currency, topup["id"]))
    call.emit("topup.succeeded", store.put(topup))
    return topup


def retrieve(call: Call) -> Json:
    sums = call.store.balances(call.account)
    available = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sums.items()
    ]
    pending = [
        {"amount": 0, "currency": currency, "source_types": {"card": 0}} for currency in sums
    ]
    return {"object": "balance", "available": available, "livemode": False, "pending": pending}


def retrieve_transaction(call: Call) -> Json:
    return call.own("balance_transaction")


def list_transactions(call: Call) -> Json:
    filters = ("type", "source", "currency")
    return lists.page(call, "balance_transaction", url="/v1/balance_transactions", filters=filters)
