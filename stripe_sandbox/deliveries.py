"""The queue of webhook deliveries: which event goes next, where to, and what was said of it.

Every function works inside the caller's transaction; without a target all deliveries wait.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time

from stripe_sandbox.errors import StripeError, no_such
from stripe_sandbox.messages import Json, public
from stripe_sandbox.store import Store

RETRY_AFTER = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
FORGEABLE = ("timestamp", "secret", "api_version")


def signature(body: str, *, secret: str, timestamp: int) -> str:
    """Stripe's header: HMAC-SHA256 of `{timestamp}.{body}` under the endpoint's secret."""
    signed = f"{timestamp}.{body}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def queue(store: Store, event: str, *, copies: int = 1, options: str = "{}") -> None:
    """Add deliveries of an event; `options` (JSON) forge what they say, see `sealed`."""
    insert = "INSERT INTO delivery (event, next_at, options) VALUES (?, ?, ?)"
    for _ in range(copies):
        store.db.execute(insert, (event, time.time(), options))


def target(store: Store) -> Json:
    kept: Json = json.loads(store.setting("target") or '{"url": null, "secret": ""}')
    return kept


def aim(store: Store, url: str | None, *, secret: str) -> None:
    store.set("target", json.dumps({"url": url, "secret": secret}))


def held(store: Store) -> bool:
    """Nothing may leave: deliveries are paused, or there is nowhere to go."""
    return bool(store.setting("paused")) or not target(store)["url"]


def waiting(store: Store) -> list[Json]:
    rows = store.db.execute("SELECT * FROM delivery WHERE state = 'waiting' ORDER BY next_at, seq")
    return [dict(row) for row in rows]


def due(store: Store) -> Json | None:
    """The delivery to try now."""
    row = store.db.execute(
        "SELECT * FROM delivery WHERE state = 'waiting' AND next_at <= ?"
        " ORDER BY next_at, seq LIMIT 1",
        (time.time(),),
    ).fetchone()
    return None if row is None or held(store) else dict(row)


def seconds_to_next(store: Store) -> float | None:
    query = "SELECT MIN(next_at) AS at FROM delivery WHERE state = 'waiting'"
    at = store.db.execute(query).fetchone()["at"]
    return None if at is None or held(store) else max(0.0, at - time.time())


def any_untried(store: Store) -> bool:
    query = "SELECT 1 FROM delivery WHERE state = 'waiting' AND attempts = 0 LIMIT 1"
    return not held(store) and store.db.execute(query).fetchone() is not None


def note(store: Store, delivery: Json, *, outcome: str) -> None:
    """Write down an attempt: delivered on 2xx, later again otherwise, failed after the last."""
    attempts, now = delivery["attempts"] + 1, time.time()
    if outcome.startswith("2"):
        state, next_at = "delivered", now
    elif attempts > len(RETRY_AFTER):
        state, next_at = "failed", now
    else:
        state, next_at = "waiting", now + RETRY_AFTER[attempts - 1]
    store.db.execute(
        "UPDATE delivery SET state = ?, attempts = ?, next_at = ?, outcome = ? WHERE seq = ?",
        (state, attempts, next_at, outcome, delivery["seq"]),
    )


def sealed(store: Store, delivery: Json) -> Json | None:
    """Body and headers of one attempt, or None when a test has removed the event."""
    event = store.find(delivery["event"])
    if event is None:
        return None
    options = json.loads(delivery["options"])
    event["api_version"] = options.get("api_version", event["api_version"])
    body = json.dumps(public(event), ensure_ascii=False, indent=2)
    secret = options.get("secret", target(store)["secret"])
    timestamp = int(options.get("timestamp", time.time()))
    signed = signature(body, secret=secret, timestamp=timestamp)
    headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
    return {"body": body, "headers": headers}


def arrange(store: Store, body: Json) -> None:
    """Reorder, copy or discard what waits; raises StripeError on an unknown order."""
    rows = _in_order(waiting(store), body.get("order", "sent"))
    state = "discarded" if body.get("discard") else "replaced"
    store.db.execute("UPDATE delivery SET state = ? WHERE state = 'waiting'", (state,))
    if not body.get("discard"):
        for row in rows:
            queue(store, row["event"], copies=body.get("copies", 1), options=row["options"])


def _in_order(rows: list[Json], order: object) -> list[Json]:
    if order == "sent":
        return rows
    if order == "reversed":
        return rows[::-1]
    if isinstance(order, list):
        return sorted(
            rows, key=lambda r: order.index(r["event"]) if r["event"] in order else len(order)
        )
    raise StripeError("Order is sent, reversed or a list of event ids.", param="order")


def resend(store: Store, body: Json) -> None:
    """Queue events again, those named or all of them; raises `resource_missing`."""
    options = json.dumps({name: body[name] for name in FORGEABLE if name in body})
    for event in body.get("events") or _all_events(store):
        if store.find(str(event)) is None:
            raise no_such("event", str(event), param="events")
        queue(store, str(event), copies=body.get("copies", 1), options=options)


def _all_events(store: Store) -> list[str]:
    rows = store.db.execute("SELECT id FROM object WHERE kind = 'event' ORDER BY seq")
    return [row["id"] for row in rows]


def take(store: Store, body: Json) -> list[Json]:
    """The waiting deliveries, arranged and signed, for a test that posts them itself."""
    arrange(store, body)
    parcels = [sealed(store, row) for row in waiting(store)]
    store.db.execute("UPDATE delivery SET state = 'taken' WHERE state = 'waiting'")
    return [parcel for parcel in parcels if parcel is not None]
