"""The door through which Stripe speaks: signature first, then the row, then a quick answer."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from exchange.billing import gateway
from exchange.billing.services import inbox
from exchange.core.errors import TooLarge
from exchange.identity.access import public

BODY_BYTES_MAX: Final = 1_000_000

blueprint = Blueprint("billing_webhooks", __name__)


@blueprint.post("/api/v1/webhooks/stripe")
@public
def stripe() -> ResponseReturnValue:
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise TooLarge
    message = gateway.read_event(request.get_data(), request.headers.get("Stripe-Signature"))
    inbox.receive(
        source=inbox.STRIPE,
        external_id=message.id,
        event_type=message.type,
        payload=message.subject,
    )
    return Response("ok\n", mimetype="text/plain")
