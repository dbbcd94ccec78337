"""What happens around every request: its number, its log line and the headers of safety."""

from __future__ import annotations

import logging
import secrets
import time
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from redis import RedisError
from sqlalchemy import text

from exchange.config import Settings
from exchange.core.db import db
from exchange.core.jobs import redis_connection
from exchange.identity.access import public

log = logging.getLogger("exchange.requests")
JSON_BYTES_MAX = 6_000_000  # read into memory at once; the longest is a list of people
STRIPE_CHECKOUT = "https://checkout.stripe.com"
NUMBER = "Request-Id"


def init_app(app: Flask, settings: Settings) -> None:
    """Install the hooks and the two addresses that a load balancer asks."""
    policy = _content_policy(settings)

    @app.before_request
    def number_the_request() -> None:
        g.request_id = new_number()
        g.started = time.perf_counter()
        if request.is_json:
            request.max_content_length = JSON_BYTES_MAX

    @app.after_request
    def finish(response: Response) -> Response:
        if request.endpoint != "static":
            # A file of refused rows or a reply with contacts must not lie in any cache.
            response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers[NUMBER] = g.get("request_id", "")
        _log(response)
        return response

    @app.teardown_request
    def close_uploads(_error: BaseException | None) -> None:
        # A big upload lies in a temporary file until somebody closes it.
        request.close()

    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)


def new_number() -> str:
    """The number of a request, which whoever sent it can ask about."""
    return f"req_{secrets.token_hex(8)}"


@public
def healthz() -> Response:
    """Whether this process answers."""
    return Response("ok\n", mimetype="text/plain")


@public
def readyz() -> Response:
    """Whether this process can work: the database answers; without Redis it works more slowly."""
    db.session.execute(text("SELECT 1"))
    try:
        redis_connection().ping()
    except RedisError:
        return Response("ok, doorbell silent\n", mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")


def _log(response: Response) -> None:
    # The rule, not the address: an address could hold what somebody typed.
    rule = request.url_rule.rule if request.url_rule else "-"
    who = g.get("actor")
    log.info(
        "%s %s %s %s actor=%s:%s %.1fms",
        g.get("request_id"),
        request.method,
        rule,
        response.status_code,
        who.kind if who else "-",
        who.id if who else "-",
        (time.perf_counter() - g.get("started", time.perf_counter())) * 1_000,
    )


def _content_policy(settings: Settings) -> str:
    pay = STRIPE_CHECKOUT
    if settings.stripe_api_url:
        parts = urlsplit(settings.stripe_api_url)
        pay = f"{parts.scheme}://{parts.netloc}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none';"
        f" form-action 'self' {pay}"
    )
