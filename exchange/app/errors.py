"""Errors: one handler for ours and one for HTTP's, as a page or a problem document (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from traceback import extract_tb
from typing import Any

from flask import Flask, Response, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from exchange.core.db import roll_back_request
from exchange.core.errors import (
    DomainError,
    FieldProblem,
    Malformed,
    Unauthenticated,
    Unavailable,
    place_of,
)
from exchange.core.limits import seconds_left

log = logging.getLogger(__name__)
BUSY = (LockNotAvailable, DeadlockDetected, QueryCanceled)


def init_app(app: Flask) -> None:
    """Install the handlers."""
    app.register_error_handler(DomainError, refused)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(DBAPIError, database_error)
    for kind in (DataError, UnicodeEncodeError, RecursionError):
        app.register_error_handler(kind, unstorable)
    app.register_error_handler(PoolTimeout, database_error)
    app.register_error_handler(Exception, unexpected)


def refused(error: DomainError) -> ResponseReturnValue:
    """Render a situation of the domain."""
    roll_back_request()
    if isinstance(error, Unauthenticated) and not _is_program() and error.code == "unauthenticated":
        return _to_sign_in()
    response = _render(
        error.status,
        error.code,
        title=error.title,
        detail=error.detail,
        errors=error.errors,
        **error.facts,
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def stale_form(_error: CSRFError) -> ResponseReturnValue:
    """Say what to do with a form whose token is missing or from another session."""
    return refused(
        Malformed("This form is from another session. Reload the page and send it again.")
    )


def http_error(error: HTTPException) -> ResponseReturnValue:
    """Render what Flask and the schemas refuse."""
    roll_back_request()
    code = error.code or 500
    response = _render(
        code,
        _word(code),
        title=HTTPStatus(code).phrase,
        detail=error.description or HTTPStatus(code).phrase,
        errors=_field_problems(error),
    )
    for name in ("Allow", "Retry-After"):
        if name in error.get_response().headers:
            response.headers[name] = error.get_response().headers[name]
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = str(seconds_left())
    return response


def database_error(error: Exception) -> ResponseReturnValue:
    """Busy or unreachable is 503 and may be tried again; everything else is a fault of ours."""
    cause = getattr(error, "orig", None)
    if isinstance(error, (OperationalError, PoolTimeout)) or isinstance(cause, BUSY):
        log.warning("the database is busy: %s", type(cause or error).__name__)
        _forget_connection()
        return refused(Unavailable("The exchange is busy. Please try again.", retry_after=2))
    return unexpected(error)


def unstorable(error: Exception) -> ResponseReturnValue:
    """NUL, half a character, a number without end, nesting without end: nobody can store that."""
    log.warning("what was sent cannot be kept: %s at %s", type(error).__name__, place_of(error))
    return refused(Malformed("The request holds characters or numbers that cannot be stored."))


def unexpected(error: Exception) -> ResponseReturnValue:
    """Log a fault of ours by its type and place; the client gets a number to ask about."""
    # The message of an error may hold what a person typed, so only its kind and place are kept.
    frames = extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    places = [f"{frame.filename}:{frame.lineno}" for frame in ours[-6:]]
    log.error("request %s failed: %s at %s", g.get("request_id"), type(error).__name__, places)
    _forget_connection()
    return _render(
        500, "internal_error", title="Something went wrong", detail="We have written it down."
    )


def _forget_connection() -> None:
    try:
        roll_back_request()
    except DBAPIError:
        log.warning("the connection was lost while rolling back")


def _is_program() -> bool:
    return request.path.startswith("/api/")


def _to_sign_in() -> ResponseReturnValue:
    target = url_for("identity.sign_in", next=request.full_path.rstrip("?"))
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": target})
    return redirect(target, code=303)


def _render(
    status: int,
    code: str,
    *,
    title: str,
    detail: str,
    errors: tuple[FieldProblem, ...] = (),
    **facts: Any,  # Any: JSON values of the situation
) -> Response:
    problem = {
        "type": f"/docs/errors#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id"),
        "errors": [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in errors],
        **facts,
    }
    if _is_program():
        response = jsonify(problem)
        response.content_type = "application/problem+json"
    else:
        g.is_failing = True  # from here on the page must do without a database that is away
        problem |= {"title": gettext(title), "detail": gettext(detail)}
        response = Response(render_template("errors/error.html", problem=problem))
    response.status_code = status
    return response


def _word(status: int) -> str:
    words = {404: "not_found", 413: "too_large", 415: "unsupported_file", 422: "invalid"}
    return words.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_"))


def _field_problems(error: HTTPException) -> tuple[FieldProblem, ...]:
    """Field errors as the schemas of the API raise them: {"json": {field: [sentence]}}."""
    messages = (getattr(error, "data", None) or {}).get("messages", {})
    return tuple(
        FieldProblem(f"/{name}", "invalid", str(text))
        for place in messages.values()
        if isinstance(place, dict)
        for name, texts in place.items()
        for text in (texts if isinstance(texts, list) else [texts])
    )
