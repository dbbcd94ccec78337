"""Deliveries: each event signed and posted until it is answered 2xx, a few times at most.

A delivery leaves after the commit of what it tells, from a thread of its own, without the lock.
A test can pause, reorder, copy, discard, forge or take deliveries; without a target they wait.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from stripe_sandbox.errors import StripeError, no_such
from stripe_sandbox.messages import Json, public
from stripe_sandbox.store import Store

RETRY_AFTER = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_TIMEOUT = 10.0
_TICK = 1.0
_IDLE_CHECK = 0.02


def signature(body: str, *, secret: str, timestamp: int) -> str:
    """Stripe's header: HMAC-SHA256 of `{timestamp}.{body}` under the endpoint's secret."""
    signed = f"{timestamp}.{body}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Courier(threading.Thread):
    """The thread that delivers; `tick` runs about once a second between deliveries."""

    def __init__(self, store: Store, *, tick: Callable[[], None]) -> None:
        super().__init__(name="courier", daemon=True)
        self._store = store
        self._tick = tick
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._ended = False

    def run(self) -> None:
        ticked = 0.0
        while not self._ended:
            if time.monotonic() - ticked >= _TICK:
                self._tick()
                ticked = time.monotonic()
            if not self._deliver_next():
                self._wake.wait(self._rest())
                self._wake.clear()

    def wake(self) -> None:
        self._wake.set()

    def end(self) -> None:
        self._ended = True
        self.wake()

    # Sending

    def _rest(self) -> float:
        query = "SELECT MIN(next_at) AS at FROM delivery WHERE state = 'waiting'"
        with self._store.transaction():
            due = self._store.db.execute(query).fetchone()["at"]
        return _TICK if due is None else min(_TICK, max(_IDLE_CHECK, due - time.time()))

    def _deliver_next(self) -> bool:
        """Try the delivery that is due first; False when none is due or none may leave."""
        with self._sending:
            with self._store.transaction():
                row = self._due()
                if row is None:
                    return False
                body, headers = self._sealed(row["event"], json.loads(row["options"]))
                url = self.target()["url"]
            outcome = _post(url, body, headers=headers)
            with self._store.transaction():
                self._record(row["seq"], outcome, attempts=row["attempts"] + 1)
        return True

    def _due(self) -> Json | None:
        if self._store.setting("paused") or not self.target()["url"]:
            return None
        row = self._store.db.execute(
            "SELECT * FROM delivery WHERE state = 'waiting' AND next_at <= ?"
            " ORDER BY next_at, seq LIMIT 1",
            (time.time(),),
        ).fetchone()
        return None if row is None else dict(row)

    def _record(self, seq: int, outcome: str, *, attempts: int) -> None:
        if outcome.startswith("2"):
            state, next_at = "delivered", time.time()
        elif attempts > len(RETRY_AFTER):
            state, next_at = "failed", time.time()
        else:
            state, next_at = "waiting", time.time() + RETRY_AFTER[attempts - 1]
        self._store.db.execute(
            "UPDATE delivery SET state = ?, attempts = ?, next_at = ?, outcome = ? WHERE seq = ?",
            (state, attempts, next_at, outcome, seq),
        )

    def _sealed(self, event_id: str, options: Json) -> tuple[str, dict[str, str]]:
        """Body and headers of one attempt; options override time, secret and API version."""
        event = self._store.find(event_id)
        if event is None:
            raise no_such("event", event_id)
        event["api_version"] = options.get("api_version", event["api_version"])
        body = json.dumps(public(event), ensure_ascii=False, indent=2)
        secret = options.get("secret", self.target()["secret"])
        timestamp = int(options.get("timestamp", time.time()))
        signed = signature(body, secret=secret, timestamp=timestamp)
        return body, {"Content-Type": "application/json", "Stripe-Signature": signed}

    # What a test can do

    def target(self) -> Json:
        kept: Json = json.loads(self._store.setting("target") or '{"url": null, "secret": ""}')
        return kept

    def aim(self, url: str | None, *, secret: str) -> None:
        self._store.set("target", json.dumps({"url": url, "secret": secret}))

    def pause(self) -> None:
        """Nothing leaves from now on; an attempt under way ends first."""
        with self._sending, self._store.transaction():
            self._store.set("paused", "yes")

    def resume(self, body: Json) -> None:
        """Let them leave: in the order given, `copies` times each, or not at all (`discard`)."""
        with self._sending, self._store.transaction():
            self._arrange(body)
            self._store.set("paused", "")
        self.wake()

    def resend(self, body: Json) -> None:
        """Queue events again: those named, or all; `options` forge what they say."""
        names = ("timestamp", "secret", "api_version")
        options = json.dumps({name: body[name] for name in names if name in body})
        with self._store.transaction():
            for event in body.get("events") or self._all_events():
                if self._store.find(event) is None:
                    raise no_such("event", str(event), param="events")
                self._queue(event, copies=body.get("copies", 1), options=options)
        self.wake()

    def take(self, body: Json) -> list[Json]:
        """The waiting deliveries, signed, for a test that posts them itself; they count as sent."""
        with self._sending, self._store.transaction():
            self._arrange(body)
            rows = self._waiting()
            self._store.db.execute("UPDATE delivery SET state = 'taken' WHERE state = 'waiting'")
            sealed = [self._sealed(row["event"], json.loads(row["options"])) for row in rows]
        return [{"body": text, "headers": headers} for text, headers in sealed]

    def flush(self, *, seconds: float = _TIMEOUT) -> bool:
        """Wait until each delivery has been tried once; True when none is left to try."""
        deadline = time.monotonic() + seconds
        while self._untried():
            if time.monotonic() > deadline:
                return False
            self.wake()
            time.sleep(_IDLE_CHECK)
        with self._sending:  # the last attempt may still be under way
            return True

    def _untried(self) -> bool:
        query = "SELECT 1 FROM delivery WHERE state = 'waiting' AND attempts = 0 LIMIT 1"
        with self._store.transaction():
            held = self._store.setting("paused") or not self.target()["url"]
            return not held and self._store.db.execute(query).fetchone() is not None

    def _arrange(self, body: Json) -> None:
        rows = self._waiting()
        order, copies = body.get("order", "sent"), body.get("copies", 1)
        if order == "reversed":
            rows.reverse()
        elif isinstance(order, list):
            rows.sort(key=lambda row: order.index(row["event"]) if row["event"] in order else len(order))
        elif order != "sent":
            raise StripeError("Order is sent, reversed or a list of event ids.", param="order")
        state = "discarded" if body.get("discard") else "replaced"
        change = "UPDATE delivery SET state = ? WHERE state = 'waiting'"
        self._store.db.execute(change, (state,))
        for row in [] if body.get("discard") else rows:
            self._queue(row["event"], copies=copies, options=row["options"])

    def _waiting(self) -> list[Json]:
        query = "SELECT * FROM delivery WHERE state = 'waiting' ORDER BY next_at, seq"
        return [dict(row) for row in self._store.db.execute(query)]

    def _all_events(self) -> list[str]:
        query = "SELECT id FROM object WHERE kind = 'event' ORDER BY seq"
        return [row["id"] for row in self._store.db.execute(query)]

    def _queue(self, event: str, *, copies: int, options: str) -> None:
        insert = "INSERT INTO delivery (event, next_at, options) VALUES (?, ?, ?)"
        for _ in range(copies):
            self._store.db.execute(insert, (event, time.time(), options))


def _post(url: str, body: str, *, headers: dict[str, str]) -> str:
    """The status of one attempt as text, or the name of what went wrong. Follows no redirect."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request("POST", path, body=body.encode(), headers=headers)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
