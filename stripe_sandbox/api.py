"""The door of /v1: key, script of faults, idempotency, endpoint, log of calls; in this order."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re

from stripe_sandbox import forms, lists
from stripe_sandbox.call import Call, World
from stripe_sandbox.errors import StripeError, unknown_url
from stripe_sandbox.faults import Fault, Faults
from stripe_sandbox.idempotency import Key, SavedAnswers, key_of
from stripe_sandbox.messages import Json, Request, Response, as_json
from stripe_sandbox.params import Params
from stripe_sandbox.routes import ROUTES, match

_TEST_KEY = re.compile(r"(sk|rk)_test_\w+")


class Api:
    """Answers every request under /v1; `api_key` None takes any test key."""

    def __init__(self, world: World, faults: Faults, *, api_key: str | None = None) -> None:
        self._world = world
        self._faults = faults
        self._api_key = api_key
        self._answers = SavedAnswers(world.store)

    def answer(self, request: Request) -> Response:
        entry = self._log(request)
        try:
            entry["params"] = forms.decode(request.form)
            response = self._guarded(request, entry)
        except StripeError as error:
            response = error.response()
        entry["status"] = None if response.dropped else response.status
        entry["replayed"] = "Idempotent-Replayed" in response.headers
        self._write(entry)
        version = request.headers.get("stripe-version", self._world.api_version)
        return _dressed(response.having(Stripe_Version=version), entry)

    def _guarded(self, request: Request, entry: Json) -> Response:
        self._authorize(request)
        fault = self._faults.take(request.method, request.path)
        entry["fault"] = fault and fault.kind
        self._write(entry)
        key = key_of(request, entry["params"])
        with self._answers.claim(key):
            self._faults.pause(fault, moment="before")
            if fault is not None and not fault.behavior.acts:
                return fault.answer(Response(0))
            own = self._perform(request, key, entry=entry, fault=fault)
            self._faults.pause(fault, moment="after")
        return own if fault is None else fault.answer(own)

    def _perform(
        self, request: Request, key: Key | None, *, entry: Json, fault: Fault | None
    ) -> Response:
        """Act, and save the answer with the act; or give the saved one, or a refusal."""
        store, request_id = self._world.store, entry["id"]
        try:
            with store.transaction():
                saved = self._answers.recall(key)
                if saved is not None:
                    return saved
                response = as_json(200, self._act(request, entry))
                remembered = response
                if fault is not None and fault.behavior.saves_the_failure:
                    remembered = fault.answer(response)
                self._answers.save(key, remembered, request_id=request_id)
        except StripeError as error:
            response = error.response()
            if error.began:
                with store.transaction():
                    self._answers.save(key, response, request_id=request_id)
        return response

    def _act(self, request: Request, entry: Json) -> Json:
        found = match(ROUTES, method=request.method, path=request.path)
        if found is None:
            raise unknown_url(request.method, request.path)
        endpoint, ids = found
        call = Call(
            world=self._world,
            params=Params(entry["params"]),
            ids=ids,
            account=self._account(request),
            request_id=entry["id"],
            idempotency_key=entry["idempotency_key"],
        )
        return lists.expand(call, endpoint(call))

    def _account(self, request: Request) -> str | None:
        account = request.headers.get("stripe-account")
        if account is not None and self._world.store.get("account", account) is None:
            message = f"The provided key does not have access to account '{account}'."
            raise StripeError(message, status=403, code="account_invalid")
        return account

    def _authorize(self, request: Request) -> None:
        key = _given_key(request.headers.get("authorization", ""))
        if not key:
            raise StripeError("You did not provide an API key.", status=401)
        right = _TEST_KEY.fullmatch(key) is not None
        if self._api_key is not None:
            right = hmac.compare_digest(key.encode(), self._api_key.encode())
        if not right:
            shown = "sk_test_***" if key.startswith("sk_test_") else "***"
            raise StripeError(f"Invalid API Key provided: {shown}", status=401)

    def _log(self, request: Request) -> Json:
        store = self._world.store
        with store.transaction():
            request_id = store.next_id("req")
        entry: Json = {
            "id": request_id,
            "method": request.method,
            "path": request.path,
            "params": {},
        }
        entry["idempotency_key"] = request.headers.get("idempotency-key")
        entry["account"] = request.headers.get("stripe-account")
        return entry | {"fault": None, "status": None, "replayed": False}

    def _write(self, entry: Json) -> None:
        store = self._world.store
        with store.transaction():
            store.db.execute(
                "INSERT INTO call (id, body) VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (entry["id"], json.dumps(entry)),
            )


def _given_key(authorization: str) -> str:
    """The key of a Bearer or Basic header, or nothing."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().split(":", 1)[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _dressed(response: Response, entry: Json) -> Response:
    dressed, key = response.having(Request_Id=entry["id"]), entry["idempotency_key"]
    return dressed if key is None else dressed.having(Idempotency_Key=key)
