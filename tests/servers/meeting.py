"""Where requests to the server of a control meet, so that what it gets wrong is no luck.

A program without a guard looks and then writes. It goes wrong when others look in between, and here
they do: whoever has looked waits until so many have. The servers are several processes, so that
they count in Redis.
"""

from __future__ import annotations

import threading
import time

from flask import current_app

PEOPLE = 4  # of all who come; one process serves as many at once
PATIENCE_SECONDS = 20  # no transaction idles longer than 30
POLL_SECONDS = 0.02


def meet(place: str, *, people: int = PEOPLE) -> None:
    """Wait at a place until so many have come there; who comes later goes on at once."""
    redis, key = current_app.extensions["redis"], f"met-{place}"
    come, deadline = redis.incr(key), time.monotonic() + PATIENCE_SECONDS
    while come < people and time.monotonic() < deadline:
        threading.Event().wait(POLL_SECONDS)
        come = int(redis.get(key))
