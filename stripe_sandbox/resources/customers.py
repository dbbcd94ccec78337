"""Customers: who pays."""

from __future__ import annotations

from stripe_sandbox.call import Call
from stripe_sandbox.messages import Json


def create(call: Call) -> Json:
    params, store = call.params, call.store
    customer = store.put(
        {
            "id": store.next_id("cus"),
            "object": "customer",
            "balance": 0,
            "created": store.now(),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": params.text("description"),
            "email": params.text("email"),
            "livemode": False,
            "metadata": params.metadata(),
            "name": params.text("name"),
            "phone": params.text("phone"),
            "preferred_locales": params.texts("preferred_locales"),
        }
    )
    call.emit("customer.created", customer)
    return customer


def retrieve(call: Call) -> Json:
    return call.own("customer")
