"""Keeping count of the market in a process that serves: a thread that takes snapshots.

Each serving process has its own, because none may be asked for what another one remembers. Without
one, in a young process or a small market, the database counts and the answers are the same.
"""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import Final

from flask import Flask

from exchange.core.db import unit_of_work
from exchange.core.errors import place_of
from exchange.market.kept import KEY
from exchange.market.queries.snapshot import read_market

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 15.0  # between two snapshots: with the reading, well below `cube.OLDEST`


def keep_counting(app: Flask) -> Event:
    """Take snapshots from now on, in the background; setting the event ends it."""
    stop = Event()
    Thread(target=_keep, args=(app, stop), name="market-count", daemon=True).start()
    return stop


def count_now(app: Flask) -> None:
    """Take a snapshot that builds on the one before."""
    with app.app_context(), unit_of_work():
        app.extensions[KEY] = read_market(app.extensions.get(KEY))


def _keep(app: Flask, stop: Event) -> None:
    while not stop.is_set():
        try:
            count_now(app)
        except Exception as error:  # noqa: BLE001  # whatever it was: the next one may succeed
            log.warning("the market was not counted: %s", place_of(error))
        stop.wait(PAUSE_SECONDS)
