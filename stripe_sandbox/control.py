"""The door of /sandbox: what a test does that Stripe, a payer or a bank would do.

Bodies are JSON. It asks for no key, so it refuses whatever a browser sends from another page.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from stripe_sandbox import deliveries
from stripe_sandbox.call import Call, World
from stripe_sandbox.courier import Courier
from stripe_sandbox.errors import StripeError, missing, no_such, unknown_url
from stripe_sandbox.faults import Faults, read_fault
from stripe_sandbox.messages import Json, Request, Response, as_json
from stripe_sandbox.params import Params
from stripe_sandbox.resources import accounts, balance, disputes, payouts, sessions
from stripe_sandbox.routes import Routes, match

# What others would do, as endpoints of the same shape as Stripe's.
ACTS: Routes = {
    ("POST", "/sandbox/sessions/{}/pay"): sessions.pay,
    ("POST", "/sandbox/accounts/{}/enable"): accounts.enable,
    ("POST", "/sandbox/accounts/{}/payout"): payouts.order,
    ("POST", "/sandbox/charges/{}/dispute"): disputes.open_on,
    ("POST", "/sandbox/disputes/{}/close"): disputes.close,
    ("POST", "/sandbox/funds"): balance.add_funds,
}


class Control:
    """Answers every request under /sandbox."""

    def __init__(self, world: World, faults: Faults, *, courier: Courier) -> None:
        self._world = world
        self._store = world.store
        self._faults = faults
        self._courier = courier
        self._handlers: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("GET", "/sandbox/state"): self._state,
            ("POST", "/sandbox/reset"): self._reset,
            ("POST", "/sandbox/clock"): self._clock,
            ("POST", "/sandbox/objects"): self._put_object,
            ("POST", "/sandbox/faults"): self._add_fault,
            ("DELETE", "/sandbox/faults"): self._clear_faults,
            ("POST", "/sandbox/webhooks/target"): self._aim,
            ("POST", "/sandbox/webhooks/pause"): self._pause,
            ("POST", "/sandbox/webhooks/resume"): self._resume,
            ("POST", "/sandbox/webhooks/resend"): self._resend,
            ("POST", "/sandbox/webhooks/take"): self._take,
            ("POST", "/sandbox/webhooks/flush"): self._flush,
        }

    def answer(self, request: Request) -> Response:
        try:
            return as_json(200, self._dispatch(request))
        except StripeError as error:
            return error.response()

    def _dispatch(self, request: Request) -> Json:
        if "origin" in request.headers:
            raise StripeError("The controls are not for browsers.", status=403)
        body = _read(request)
        handler = self._handlers.get((request.method, request.path))
        if handler is not None:
            return handler(body)
        if request.method == "DELETE" and request.path.startswith("/sandbox/objects/"):
            return self._remove_object(request.path.rsplit("/", 1)[1])
        return self._act(request, body)

    def _act(self, request: Request, body: Json) -> Json:
        found = match(ACTS, method=request.method, path=request.path)
        if found is None:
            raise unknown_url(request.method, request.path)
        endpoint, ids = found
        with self._store.transaction():
            result = endpoint(Call(self._world, Params(body), ids=ids))
        self._courier.wake()
        return result

    def _state(self, _: Json) -> Json:
        with self._store.transaction():
            calls = self._store.db.execute("SELECT body FROM call ORDER BY seq").fetchall()
            sent = self._store.db.execute("SELECT * FROM delivery ORDER BY seq").fetchall()
            return {
                "objects": self._store.by_kind(),
                "calls": [json.loads(row["body"]) for row in calls],
                "deliveries": [dict(row) for row in sent],
                "paused": bool(self._store.setting("paused")),
                "faults": self._faults.waiting(),
                "now": self._store.now(),
            }

    def _reset(self, _: Json) -> Json:
        self._faults.clear()
        with self._courier.still():
            self._store.clear()
        return {}

    def _clock(self, body: Json) -> Json:
        """Move the clock ahead by `advance` seconds; what is due by then ends."""
        with self._store.transaction():
            ahead = int(self._store.setting("ahead") or 0) + int(body.get("advance", 0))
            self._store.set("ahead", str(ahead))
            sessions.expire_overdue(Call(self._world))
            now = self._store.now()
        self._courier.wake()
        return {"now": now}

    def _put_object(self, body: Json) -> Json:
        """Plant a difference: a new id makes an extra object, a known one changes it."""
        for name in ("id", "object"):
            if name not in body:
                raise missing(name)
        with self._store.transaction():
            return self._store.put({**(self._store.find(body["id"]) or {}), **body})

    def _remove_object(self, object_id: str) -> Json:
        with self._store.transaction():
            if not self._store.remove(object_id):
                raise no_such("object", object_id)
        return {"id": object_id, "deleted": True}

    def _add_fault(self, body: Json) -> Json:
        self._faults.add(read_fault(body))
        return {"faults": self._faults.waiting()}

    def _clear_faults(self, _: Json) -> Json:
        self._faults.clear()
        return {"faults": []}

    def _aim(self, body: Json) -> Json:
        with self._courier.still():
            deliveries.aim(self._store, body.get("url"), secret=body.get("secret", ""))
        return {"url": body.get("url")}

    def _pause(self, _: Json) -> Json:
        with self._courier.still():
            self._store.set("paused", "yes")
        return {"paused": True}

    def _resume(self, body: Json) -> Json:
        """Let what waits leave: in `order`, `copies` times each, or not at all (`discard`)."""
        with self._courier.still():
            deliveries.arrange(self._store, body)
            self._store.set("paused", "")
        return {"paused": False}

    def _resend(self, body: Json) -> Json:
        with self._courier.still():
            deliveries.resend(self._store, body)
        return {}

    def _take(self, body: Json) -> Json:
        with self._courier.still():
            return {"deliveries": deliveries.take(self._store, body)}

    def _flush(self, body: Json) -> Json:
        return {"all_tried": self._courier.flush(seconds=float(body.get("seconds", 10)))}


def _read(request: Request) -> Json:
    if not request.body:
        return {}
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise StripeError("The body is a JSON object.")
    return body
