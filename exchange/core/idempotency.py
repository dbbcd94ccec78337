"""One result for a repeated request: Idempotency-Key for programs, a hidden token for forms.

The answer is kept in the transaction that did the work, so it exists if and only if the work does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import ParamSpec
from uuid import UUID

from flask import Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, db, save
from exchange.core.errors import Conflict, Malformed
from exchange.core.keys import keyring

HEADER, FIELD = "Idempotency-Key", "idempotency_key"
KEY_CHARACTERS_MAX = 255
BLOCK = 1 << 20  # bytes of a file at a time
P = ParamSpec("P")


class IdempotencyKey(Record):
    """A key, a keyed hash of what was asked under it and the answer that was given."""

    KIND, PREFIX = "idempotency_key", "idk"

    scope: Mapped[UUID] = mapped_column()  # the organization, or the user where there is none
    key: Mapped[str]
    request_hash: Mapped[bytes]
    status: Mapped[int]
    headers: Mapped[dict[str, str]] = mapped_column()
    body: Mapped[bytes]


def idempotent(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Run the door once per key and answer repeats with the first answer, to the byte.

    Raises Malformed without a key, Conflict `idempotency_conflict` for another request under the
    same key and `idempotency_running` (programs only; a form waits) while the first one runs.
    """

    @wraps(view)
    def door(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        scope, key, asked = _scope(), _key(), _request_hash()
        _wait_or_refuse(scope, key)
        kept = db.session.scalar(
            select(IdempotencyKey).where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
        )
        if kept is not None:
            return _replay(kept, asked)
        response = make_response(current_app.ensure_sync(view)(*args, **kwargs))
        _keep(scope, key, response, asked=asked)
        return response

    door.__dict__["is_idempotent"] = True  # the documentation says so
    return door


def led_to(key: str) -> str | None:
    """Where the request with this key of the actor's led to, if it was made and led anywhere."""
    kept = db.session.scalar(
        select(IdempotencyKey.headers).where(
            IdempotencyKey.scope == _scope(), IdempotencyKey.key == key
        )
    )
    return kept.get("Location") if kept else None


def _scope() -> UUID:
    actor = g.actor  # set by identity before any door is entered
    scope: UUID | None = actor.organization_id or actor.id
    assert scope is not None
    return scope


def _key() -> str:
    key = request.headers.get(HEADER) or request.form.get(FIELD) or ""
    if not 0 < len(key) <= KEY_CHARACTERS_MAX:
        raise Malformed(
            f"Send the header {HEADER} with a value of your own for each new intention.",
            code="idempotency_key_required",
        )
    return key


def _wait_or_refuse(scope: UUID, key: str) -> None:
    number = int.from_bytes(sha256(f"{scope}|{key}".encode()).digest()[:8], "big", signed=True)
    if HEADER not in request.headers:
        db.session.execute(select(func.pg_advisory_xact_lock(number)))
    elif not db.session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise Conflict(
            "The first request with this key is still running.",
            code="idempotency_running",
            retry_after=1,
        )


def _replay(kept: IdempotencyKey, asked: bytes) -> Response:
    if kept.request_hash != asked:
        raise Conflict(
            "This key was used for another request. Make a new key for a new intention.",
            code="idempotency_conflict",
        )
    return Response(kept.body, kept.status, {**kept.headers, "Idempotent-Replayed": "true"})


def _keep(scope: UUID, key: str, response: Response, *, asked: bytes) -> None:
    headers = {
        name: response.headers[name]
        for name in ("Content-Type", "Location", "HX-Redirect")
        if name in response.headers
    }
    save(
        IdempotencyKey(
            scope=scope,
            key=key,
            request_hash=asked,
            status=response.status_code,
            headers=headers,
            body=response.get_data(),
        )
    )


def _request_hash() -> bytes:
    if request.is_json:
        content = json.dumps(request.get_json(silent=True), sort_keys=True)
    else:
        fields = request.form.items(multi=True)
        sent = [f for f in fields if f[0] not in {FIELD, "csrf_token"}]
        content = json.dumps(sorted([*sent, *_files()]))
    # Keyed, because what was sent may be a secret of few possible values, such as a sealed bid.
    return keyring().blind_index("idempotency", f"{request.method} {request.path}\n{content}")


def _files() -> list[tuple[str, str]]:
    """The uploaded files by the hash of what is in them: another file is another request."""
    found = []
    for name, file in request.files.items(multi=True):
        digest = sha256()
        while block := file.stream.read(BLOCK):
            digest.update(block)
        file.stream.seek(0)
        found.append((name, digest.hexdigest()))
    return found
