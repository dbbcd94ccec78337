"""Another user while a million rows are imported: five requests a second, always the same pages.

The web server and the worker are the instance's own processes; the worker of imports runs niced.
Only requests that fall into the import count; the figure is their p95 over that of the idle house.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from uuid import UUID

import requests

from bench import made
from bench.harness import Bench, p95, settings
from bench.intake import confirmed_batch, house
from exchange.core import clock
from exchange.core.db import db, get
from exchange.leads.models import Batch, BatchStatus
from tests.servers import house as processes

ROWS = 1_000_000
REQUESTS = 500
PER_SECOND = 5
PASSWORD = "correct horse battery"
PAGES = ("/sellers/", "/sellers/batches", "/sellers/imports/new", "/sellers/listings", "/method")


def run(bench: Bench) -> None:
    """Measure the idle house, then the same requests during the import."""
    with house() as ours:
        wanted = settings(ours.owner, ours.redis_url, ours.folder)
        file = ours.folder / "large.csv"
        made.write(file, rows=ROWS, now=clock.now())
        batch_id = confirmed_batch(ours.seller_id, file)
        with processes.web(wanted) as web:
            user = _signed_in(web.url)
            _ask(user, web.url, requests_max=50)  # warm
            idle = p95(_ask(user, web.url, requests_max=REQUESTS))
            with processes.worker(wanted), processes.scheduler(wanted):
                _wait_until(lambda: _rows_done(batch_id) > 0)
                taken = _ask(user, web.url, requests_max=REQUESTS, while_=lambda: _runs(batch_id))
    print(f"# idle p95 {idle * 1000:.1f} ms, during the import {p95(taken) * 1000:.1f} ms")
    print(f"# {len(taken)} of {REQUESTS} requests fell into the import")
    bench.figure("neighbor_p95_to_idle", p95(taken) / idle, "ratio", goal=("<=", 1.6))


def _signed_in(url: str) -> requests.Session:
    """A browser of the seller's; the form's token comes from its page."""
    user = requests.Session()
    page = user.get(f"{url}/sign-in", timeout=30).text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"email": "bench@seller.example", "password": PASSWORD, "csrf_token": token}
    answer = user.post(f"{url}/sign-in", data=form, timeout=30)
    answer.raise_for_status()
    return user


def _ask(
    user: requests.Session,
    url: str,
    *,
    requests_max: int,
    while_: Callable[[], bool] = lambda: True,
) -> list[float]:
    """Seconds of each request, begun on the beat whatever the one before took."""
    taken: list[float] = []
    began = time.perf_counter()
    for number, page in enumerate(itertools.islice(itertools.cycle(PAGES), requests_max)):
        time.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        if number % PER_SECOND == 0 and not while_():
            break
        sent = time.perf_counter()
        answer = user.get(url + page, timeout=60)
        taken.append(time.perf_counter() - sent)
        assert answer.ok, f"{page}: {answer.status_code}"
    return taken


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "the import does not begin"
        time.sleep(0.2)


def _rows_done(batch_id: UUID) -> int:
    db.session.rollback()
    db.session.expire_all()
    return get(Batch, batch_id).rows_done


def _runs(batch_id: UUID) -> bool:
    db.session.rollback()
    db.session.expire_all()
    return get(Batch, batch_id).status is BatchStatus.VALIDATING
