"""The exchange with answers that dawdle on their way out, and say so.

A purchase is committed some time before its answer leaves, so a killed server takes an answer with
it that the buyer never heard: the case in which a repeat must not buy again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from redis import Redis

from exchange.app import create_app
from exchange.config import Settings
from tests.servers.house import LEAVING

DAWDLE_SECONDS = 0.2
Start = Callable[..., Any]  # Any: as WSGI has it
Environ = dict[str, Any]

app = create_app(Settings.from_environment())
_answer = app.wsgi_app


def dawdle(environ: Environ, start_response: Start) -> Iterable[bytes]:
    """Answer a little after everything is done."""
    body = _answer(environ, start_response)
    if environ["REQUEST_METHOD"] == "POST":
        redis: Redis = app.extensions["redis"]
        redis.hincrby(LEAVING, str(os.getpid()), 1)
        threading.Event().wait(DAWDLE_SECONDS)
        redis.hincrby(LEAVING, str(os.getpid()), -1)
    return body


app.wsgi_app = dawdle  # type: ignore[method-assign]  # the documented place of middleware
