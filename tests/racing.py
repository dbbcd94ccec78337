"""Several clients at once in one process, each outcome told by a word."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, Queue

import psycopg
from flask import Flask
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from exchange.core.db import db
from exchange.core.errors import DomainError

THREADS = 10  # fewer than the connections of one process; clients queue for them
PATIENCE_SECONDS = 20  # for a meeting; no transaction idles longer than 30
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


def meeting(people: int = THREADS) -> Callable[[], None]:
    """Where the clients of a control wait once until so many of them have looked.

    What is written then was not there when the others looked, on every machine. Who comes later
    goes on at once.
    """
    over = threading.Event()
    barrier = threading.Barrier(people, action=over.set)

    def meet() -> None:
        if not over.is_set():
            with suppress(threading.BrokenBarrierError):
                barrier.wait(PATIENCE_SECONDS)

    return meet


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


def drop_constraints(database_url: str) -> None:
    """Let the tables of a control's own database allow that leads are sold too often."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE lead DROP CONSTRAINT ck_lead_sold")
        owner.execute("ALTER TABLE order_line DROP CONSTRAINT uq_order_line_lead_id_slot")
        owner.execute("DROP INDEX ix_order_line_lead_id_buyer_id")
