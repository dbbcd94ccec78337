"""Transfers from the platform to connected accounts, and their reversals."""

from __future__ import annotations

from stripe_sandbox import lists
from stripe_sandbox.call import Call
from stripe_sandbox.errors import StripeError, no_such
from stripe_sandbox.messages import Json
from stripe_sandbox.resources import balance, payouts


def create(call: Call) -> Json:
    params = call.params
    amount, currency = params.required_amount(), params.currency()
    destination = _destination(call)
    if params.text("source_transaction") is None:
        balance.require(call, amount=amount, currency=currency)
    transfer = _new_transfer(call, destination, amount=amount)
    spent = balance.Movement("transfer", -amount, currency, transfer["id"])
    transfer["balance_transaction"] = balance.record(call, spent)
    arrival = transfer["destination_payment"]
    balance.record(call, balance.Movement("payment", amount, currency, arrival, 0, destination))
    call.emit("transfer.created", call.store.put(transfer))
    if call.world.instant_payouts:
        payouts.pay_out(call, destination, amount=amount, currency=currency)
    return transfer


def _destination(call: Call) -> str:
    account_id = call.params.required("destination")
    account = call.store.get("account", account_id)
    if account is None:
        message = f"No such destination: '{account_id}'"
        raise StripeError(message, code="resource_missing", param="destination")
    if account["capabilities"]["transfers"] != "active":
        raise StripeError(
            "Your destination account needs to have at least one of the following capabilities"
            " enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            began=True,
        )
    return account_id


def _new_transfer(call: Call, destination: str, *, amount: int) -> Json:
    params, transfer_id = call.params, call.store.next_id("tr")
    source = params.text("source_transaction")
    if source is not None:
        call.own("charge", source, param="source_transaction")
    url = f"/v1/transfers/{transfer_id}/reversals"
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": call.store.now(),
        "currency": params.currency(),
        "description": params.text("description"),
        "destination": destination,
        "destination_payment": call.store.next_id("py"),
        "livemode": False,
        "metadata": params.metadata(),
        "reversals": {"object": "list", "data": [], "has_more": False, "url": url},
        "reversed": False,
        "source_transaction": source,
        "source_type": "card",
        "transfer_group": params.text("transfer_group"),
    }


def retrieve(call: Call) -> Json:
    return call.own("transfer")


def list_all(call: Call) -> Json:
    filters = ("destination", "transfer_group")
    return lists.page(call, "transfer", url="/v1/transfers", filters=filters)


def reverse(call: Call) -> Json:
    """Take money back, as far as the connected account still has it."""
    transfer = call.own("transfer")
    amount = _reversible(call, transfer)
    currency, destination = transfer["currency"], transfer["destination"]
    balance.require(call, amount=amount, currency=currency, account=destination)
    reversal = _new_reversal(call, transfer, amount=amount)
    returned = balance.Movement("transfer_refund", amount, currency, reversal["id"])
    reversal["balance_transaction"] = balance.record(call, returned)
    taken = (-amount, currency, transfer["destination_payment"], 0, destination)
    balance.record(call, balance.Movement("payment_refund", *taken))
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, call.store.put(reversal))
    call.emit("transfer.reversed", call.store.put(transfer))
    return reversal


def _reversible(call: Call, transfer: Json) -> int:
    left: int = transfer["amount"] - transfer["amount_reversed"]
    amount = call.params.amount() or left
    if amount > left or left == 0:
        message = f"The transfer {transfer['id']} has {left} left to reverse; {amount} was asked."
        raise StripeError(message, param="amount", began=True)
    return amount


def _new_reversal(call: Call, transfer: Json, *, amount: int) -> Json:
    return {
        "id": call.store.next_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "created": call.store.now(),
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": call.params.metadata(),
        "source_refund": None,
        "transfer": transfer["id"],
    }


def retrieve_reversal(call: Call) -> Json:
    reversal = call.own("transfer_reversal", call.ids[1])
    if reversal["transfer"] != call.ids[0]:
        raise no_such("transfer_reversal", call.ids[1])
    return reversal


def list_reversals(call: Call) -> Json:
    listed = call.own("transfer")["reversals"]
    return lists.cut(call.params, listed["data"], url=listed["url"])
