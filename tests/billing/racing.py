"""Run several units of work at the same moment, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask

from exchange.core.db import unit_of_work

Outcome = object
Work = Callable[[], object]
PATIENCE_SECONDS = 20


def race(app: Flask, works: Sequence[Work]) -> list[Outcome]:
    """What each returned, or the exception that it ended with, in their order."""
    start = Barrier(len(works))

    def run(work: Work) -> Outcome:
        start.wait(PATIENCE_SECONDS)
        with app.app_context():
            try:
                with unit_of_work():
                    return work()
            except Exception as error:  # noqa: BLE001  # the outcome is what is asked about
                return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def wins(outcomes: Sequence[Outcome]) -> int:
    """How many ended without an exception."""
    return sum(not isinstance(outcome, Exception) for outcome in outcomes)
