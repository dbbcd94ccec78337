"""Refusals in Stripe's shape; raised anywhere, turned into a response at the door."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_sandbox.messages import Json, Response, as_json


@dataclass(eq=False)
class StripeError(Exception):
    """What stripe-python turns into its own exceptions.

    `began` says that the endpoint had started to act, so that the refusal is saved under the
    idempotency key; a refused parameter is not saved (Stripe's rule).
    """

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    began: bool = False

    def response(self) -> Response:
        fields = {"type": self.type, "message": self.message, "code": self.code}
        error: Json = {name: value for name, value in fields.items() if value is not None}
        if self.param is not None:
            error["param"] = self.param
        return as_json(self.status, {"error": error})


def missing(param: str) -> StripeError:
    return StripeError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid(param: str, message: str, *, code: str | None = None) -> StripeError:
    return StripeError(message, code=code, param=param)


def no_such(kind: str, object_id: str, *, param: str = "id") -> StripeError:
    message = f"No such {kind}: '{object_id}'"
    return StripeError(message, status=404, code="resource_missing", param=param)


def unknown_url(method: str, path: str) -> StripeError:
    return StripeError(f"Unrecognized request URL ({method}: {path}).", status=404)
