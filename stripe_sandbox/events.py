"""Events: a snapshot of the object at that moment, kept and queued for the webhook in one step."""

from __future__ import annotations

from stripe_sandbox import deliveries
from stripe_sandbox.call import Call
from stripe_sandbox.messages import Json, public


def emit(call: Call, event_type: str, subject: Json, *, account: str | None = None) -> None:
    """Record that it happened to `subject`; `account` is the connected account it belongs to."""
    store = call.store
    event: Json = {
        "id": store.next_id("evt"),
        "object": "event",
        "api_version": call.world.api_version,
        "created": store.now(),
        "data": {"object": public(subject)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": event_type,
    }
    if account is not None:
        event["account"] = account
    store.put(event, account=account)
    deliveries.queue(store, event["id"])
