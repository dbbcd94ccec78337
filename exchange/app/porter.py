"""The door before the application: who was told to wait is told so again without coming in.

A refusal costs a good part of an answer: the application, a count in Redis, a document. Whoever
knocks hundreds of times a second in spite of it would take the processor from everybody else. So
each process remembers whom a limit refused, and repeats what was said until its time is over.

It repeats it to the same key at the same address for the same door only: nobody is refused here
whom the application has not refused, and doors that were not asked for too often stay open.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request
from werkzeug.wsgi import get_input_stream

from exchange.app.hooks import NUMBER, new_number
from exchange.core.limits import is_breached

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("exchange.requests")
TOLD_MAX: Final = 1_000  # refusals that are remembered; who comes after them is refused inside
REFUSED: Final = "exchange.refused"  # in the environment: an answer that may be repeated
HEARD_MAX: Final = 65_536  # bytes of what is refused: read, so that the connection can go on
# As many threads may wait for a sender who does not end; the others leave the body unread.
_hearing: Final = BoundedSemaphore(2)

Knock = tuple[str, str, str, bytes]  # method, path, address, and a hash of the key


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was answered, and until when it holds by the monotonic clock."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    until: float

    def again(self, start_response: StartResponse, *, left: float) -> list[bytes]:
        """The same answer under a number of its own, with the seconds that are left."""
        former, number = dict(self.headers)[NUMBER], new_number()
        new = {NUMBER: number, "Retry-After": str(math.ceil(left))}
        start_response(self.status, [(name, new.get(name, value)) for name, value in self.headers])
        log.info("%s told again to wait", number)
        return [self.body.replace(former.encode(), number.encode())]


class Porter:
    """What stands in front of the application in this process."""

    def __init__(self, house: WSGIApplication) -> None:
        self._house = house
        self._told: dict[Knock, Refusal] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Repeat a refusal that still holds, else let the request in."""
        refusal = self._told.get(_knock(environ)) if self._told else None
        left = refusal.until - time.monotonic() if refusal else 0
        if refusal and left > 0:
            _hear_out(environ)
            return refusal.again(start_response, left=left)
        answer = self._house(environ, start_response)
        if REFUSED in environ:
            self._remember(environ, environ[REFUSED])
        return answer

    def _remember(self, environ: WSGIEnvironment, response: Response) -> None:
        now = time.monotonic()
        for knock, refusal in list(self._told.items()):  # other threads change it meanwhile
            if refusal.until <= now:
                self._told.pop(knock, None)
        if len(self._told) < TOLD_MAX:
            headers = response.get_wsgi_headers(environ).to_wsgi_list()
            until = now + float(response.headers["Retry-After"])
            self._told[_knock(environ)] = Refusal(
                response.status, headers, response.get_data(), until
            )


def init_app(app: Flask) -> None:
    """Put a porter in front of the application."""

    @app.after_request
    def tell_the_porter(response: Response) -> Response:
        is_refusal = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        if is_refusal and request.path.startswith("/api/"):
            _hear_out(request.environ)
            if is_breached() and not request.view_args:  # one door, not one for each thing
                request.environ[REFUSED] = response
        return response

    app.wsgi_app = Porter(app.wsgi_app)  # type: ignore[method-assign]  # the documented way


def _hear_out(environ: WSGIEnvironment) -> None:
    """Let the sender end: a server that answers before closes the connection on it.

    Nothing was read of the body: limits are asked about before. Nobody says when a sender ends.
    """
    if _hearing.acquire(blocking=False):
        try:
            get_input_stream(environ).read(HEARD_MAX)
        finally:
            _hearing.release()


def _knock(environ: WSGIEnvironment) -> Knock:
    key = sha256(environ.get("HTTP_AUTHORIZATION", "").encode()).digest()
    return environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("REMOTE_ADDR", ""), key
