"""Limits on how often somebody may knock, by address or by key, counted in Redis.

Who knocks too often is told so (429 with Retry-After) before anything else is done for them. Who
knocks with many hands at once is served by one thread of a process after the other, so that a
flood within its limit does not take every thread and the whole processor from the others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from hashlib import sha256
from threading import Lock
from typing import Final, ParamSpec

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import TooManyRequests

P = ParamSpec("P")
INSIDE_MAX: Final = 6  # of one program in a process: half of its threads, one of them at work
LONG: Final = 3  # of them: more come by chance only while the process itself stands still
REST_MAX: Final = 0.1  # seconds between two turns of a long line

# Without Redis the count goes on in this process: the limit gets looser, never absent.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, key_prefix="fixed-window")


def program() -> str:
    """Whose key is counted: a hash of it, without asking whether it is known; else the address."""
    said = request.headers.get("Authorization")
    return sha256(said.encode()).hexdigest() if said else get_remote_address()


def is_breached() -> bool:
    """Whether this request was one too many."""
    limit = limiter.current_limit
    return limit is not None and limit.breached


def seconds_left() -> int:
    """After how many seconds whoever was refused just now may knock again; at least one.

    Redis tells whole seconds and the library adds one: no window is longer than itself.
    """
    limit = limiter.current_limit
    if limit is None:
        return 1
    return max(1, min(math.ceil(limit.reset_at - time.time()), limit.limit.get_expiry()))


class Line:
    """Requests of one program in this process: one is at work, a few wait for their turn."""

    def __init__(self) -> None:
        self.inside = 0
        self._turn = Lock()
        self._rest = 0.0  # seconds, before the next turn

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the one at work; of a long line it leaves others twice the time that it took itself.

        The next one rests, before its work: whoever has worked holds locks until its request ends.
        """
        with self._turn:
            if self._rest:
                time.sleep(self._rest)
            began = time.monotonic()
            try:
                yield
            finally:
                took = time.monotonic() - began
                self._rest = min(2 * took, REST_MAX) if self.inside > LONG else 0.0


_lines: dict[str, Line] = {}
_lines_lock = Lock()


@contextmanager
def turn_of(whose: str) -> Iterator[None]:
    """Wait until nothing else is done for them here. Raises TooManyRequests for a long line."""
    with _lines_lock:
        line = _lines.setdefault(whose, Line())
        if line.inside == INSIDE_MAX:
            raise TooManyRequests
        line.inside += 1
    try:
        with line.turn():
            yield
    finally:
        with _lines_lock:
            line.inside -= 1
            if not line.inside:
                del _lines[whose]


def in_turn(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Serve one request of a program after the other, within each process."""

    @wraps(view)
    def door(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not limiter.enabled:
            return view(*args, **kwargs)
        with turn_of(program()):
            return view(*args, **kwargs)

    return door


def init_app(app: Flask, redis_url: str) -> None:
    """Count in the Redis that also rings for jobs."""
    # The library has a scheme of its own for sockets.
    uri = redis_url.replace("unix://", "redis+unix://", 1)
    app.config.setdefault("RATELIMIT_STORAGE_URI", uri)
    app.config.setdefault("RATELIMIT_STRATEGY", "fixed-window")
    limiter.init_app(app)
