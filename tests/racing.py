"""Several clients at once in one process, each outcome told by a word."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from queue import Empty, Queue

from flask import Flask
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from exchange.core.db import db
from exchange.core.errors import DomainError

THREADS = 10  # fewer than the connections of one process; clients queue for them
Client = Callable[[], str]


def patiently(attempt: Client) -> str:
    """The word of an attempt, or the code of its refusal.

    Who waits too long for a turn is told to try again, and does.
    """
    while True:
        try:
            return attempt()
        except DomainError as refused:
            return refused.code
        except OperationalError as busy:
            if not isinstance(busy.orig, LockNotAvailable):
                raise


def race(app: Flask, clients: Sequence[Client]) -> Counter[str]:
    """Run the clients on several threads; their outcomes by how often."""
    waiting: Queue[Client] = Queue()
    for client in clients:
        waiting.put(client)
    seen: list[str] = []
    start = threading.Barrier(THREADS)

    def work() -> None:
        with app.app_context():
            start.wait()
            try:
                while True:
                    seen.append(waiting.get_nowait()())
            except Empty:
                return
            except Exception as error:  # noqa: BLE001  # told to the test, which fails by it
                seen.append(f"{type(error).__name__}: {error}"[:300])

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    return Counter(seen)
