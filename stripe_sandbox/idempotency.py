"""Idempotency keys: the first answer is saved with the act itself and given again.

The same key with other parameters is refused, and so is a key whose first call is still running.
A key is forgotten after 24 hours of the sandbox's clock, as Stripe may: from then on it acts anew.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stripe_sandbox.errors import StripeError
from stripe_sandbox.messages import Json, Request, Response
from stripe_sandbox.store import Store

_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Key:
    """A key as one caller used it: `scope` tells callers apart, `fingerprint` the parameters."""

    text: str
    scope: str
    fingerprint: str


def key_of(request: Request, form: Json) -> Key | None:
    """The key of a POST, or None; raises StripeError when it is too long."""
    text = request.headers.get("idempotency-key")
    if request.method != "POST" or not text:
        return None
    if len(text) > 255:
        raise StripeError("Idempotency keys go up to 255 characters.", type="idempotency_error")
    caller = request.headers.get("authorization", "")
    account = request.headers.get("stripe-account", "")
    what = json.dumps([request.path, form], sort_keys=True)
    return Key(text, _digest(f"{caller}\n{account}\n{text}"), _digest(what))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class SavedAnswers:
    """The answers given so far, and the keys whose call is running."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def claim(self, key: Key | None) -> Iterator[None]:
        """Hold the key for the length of a call; 409 when another call holds it."""
        if key is None:
            yield
            return
        with self._lock:
            if key.scope in self._running:
                raise _in_use(key)
            self._running.add(key.scope)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(key.scope)

    def recall(self, key: Key | None) -> Response | None:
        """The saved answer; raises StripeError when the parameters are not the first ones."""
        if key is None:
            return None
        row = self._store.db.execute(
            "SELECT * FROM saved WHERE scope = ? AND created > ?",
            (key.scope, self._store.now() - _KEPT_SECONDS),
        ).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != key.fingerprint:
            raise _other_parameters(key)
        answer = Response(row["status"], row["body"], {"Content-Type": "application/json"})
        return answer.having(Idempotent_Replayed="true", Original_Request=row["request_id"])

    def save(self, key: Key | None, response: Response, *, request_id: str) -> None:
        if key is None:
            return
        row = (key.scope, key.fingerprint, response.status, response.body, request_id)
        self._store.db.execute(
            "INSERT OR REPLACE INTO saved VALUES (?, ?, ?, ?, ?, ?)", (*row, self._store.now())
        )


def _in_use(key: Key) -> StripeError:
    message = (
        "There is currently another in-progress request using this Idempotent Key"
        f" (that probably means you submitted twice): {key.text}"
    )
    code = "idempotency_key_in_use"
    return StripeError(message, status=409, type="idempotency_error", code=code)


def _other_parameters(key: Key) -> StripeError:
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first"
        f" used with. Try using a key other than '{key.text}' if you meant to execute a different"
        " request."
    )
    return StripeError(message, type="idempotency_error")
