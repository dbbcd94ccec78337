"""Keeping up with the market in a process that serves: a thread that reads what changes.

It reads contracts, so that no request has to read all of them first, and takes snapshots. Each
serving process has its own, because none may be asked for what another one remembers. Without
one, in a young process or a small market, the database counts and the answers are the same.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from flask import Flask

from exchange.catalog import queries as catalog
from exchange.core.db import unit_of_work
from exchange.core.errors import place_of
from exchange.market import queries
from exchange.market.kept import KEY
from exchange.market.queries.snapshot import read_market

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 15.0  # between two snapshots: with the reading, well below `cube.OLDEST`


def keep_counting(app: Flask) -> Event:
    """Read contracts and take snapshots from now on, in the background; the event ends it."""
    stop = Event()
    Thread(target=_keep, args=(app, stop), name="market-count", daemon=True).start()
    return stop


def count_now(app: Flask) -> None:
    """Take a snapshot that builds on the one before."""
    with app.app_context(), unit_of_work():
        app.extensions[KEY] = read_market(app.extensions.get(KEY))


def read_contracts(app: Flask) -> None:
    """Read the contracts of every vertical, or what changed of them since the last time."""
    with app.app_context(), unit_of_work():
        for vertical in catalog.verticals(with_paused=True):
            queries.contract_index(vertical.id)


def read_ahead(app: Flask) -> None:
    """Read all contracts now, as a process begins, and keep them.

    What is there by then is left out of the search for garbage, which would look through all of it
    again and again; forks share it.
    """
    keep_up(app)
    gc.freeze()


def keep_up(app: Flask) -> None:
    """Read what changed of the contracts; who needs them reads what this could not."""
    _try(read_contracts, app)


def _keep(app: Flask, stop: Event) -> None:
    read_ahead(app)
    while not stop.is_set():
        _try(count_now, app)
        stop.wait(PAUSE_SECONDS)
        keep_up(app)


def _try(step: Callable[[Flask], None], app: Flask) -> None:
    try:
        step(app)
    except Exception as error:  # noqa: BLE001  # whatever it was: the next one may succeed
        log.warning("%s failed: %s", step.__name__, place_of(error))
