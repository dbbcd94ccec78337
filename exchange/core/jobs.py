"""Jobs: verbs run later. Rows are the queue, RQ is the doorbell.

A job takes ids only and is safe to run twice. Redis may lose anything: a sweep reads from the
tables what is still to be done and rings again.

Each queue has lanes, and the jobs of one organization wait in one lane. Workers take a job of each
lane in turn, so nobody waits for more than one job of whoever has a thousand. A job that could
take long does a slice and goes to the end of its lane.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from flask import Flask, current_app
from redis import Redis, RedisError
from rq import Queue, Retry, get_current_job
from rq.exceptions import DuplicateJobError
from rq.job import JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import select

from exchange.core.db import JOBS as BUFFER
from exchange.core.db import Record, db, unit_of_work
from exchange.core.errors import place_of

log = logging.getLogger(__name__)

QUEUE_NAMES: Final = ("quick", "bulk")  # in the order in which a worker empties them
LANES: Final = 64  # of each queue; two organizations share one by chance
SLICE_SECONDS: Final = 2.0
SLICES_MAX: Final = 1_000_000
JOB_TIMEOUT_SECONDS: Final = 1_800
PLACE: Final = "place"  # where the next slice of a job goes on from

# What a job gives back when something is left: from where its next slice goes on.
JobFunction = Callable[..., str | None]


@dataclass(frozen=True, slots=True)
class Job:
    """A verb that can be run by name."""

    name: str
    function: JobFunction
    queue: str
    steps: bool  # the job ends its own units of work, one per step
    of: type[Record] | None = None  # whose organization waits for it; None: nobody's
    short: bool = False  # to fork for it would take longer than it does

    def lane(self, row: Record | None) -> str:
        """In which lane it waits when it is about this row."""
        whose = getattr(row, "organization_id", None) or self.name
        return f"{self.queue}-{crc32(str(whose).encode()) % LANES}"


@dataclass(frozen=True, slots=True)
class Sweep:
    """A query that finds what Redis forgot, run every so many seconds."""

    name: str
    seconds: int
    function: Callable[[], None]


class Slice:
    """The time that a job has before it lets others go first."""

    def __init__(self) -> None:
        self._until = time.monotonic() + SLICE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the job should say where it goes on, and end."""
        return time.monotonic() >= self._until


JOBS: dict[str, Job] = {}
SWEEPS: dict[str, Sweep] = {}


def job(
    name: str,
    *,
    queue: str = "quick",
    steps: bool = False,
    of: type[Record] | None = None,
    short: bool = False,
) -> Callable[[JobFunction], JobFunction]:
    """Register a job about a row of `of`, whose organization's turn it takes.

    With `steps` it opens a unit of work of its own for each step, and may end before it is done:
    the text that it returns is handed to the slice that goes on. A `short` one asks nobody but the
    database and is run by the worker itself.
    """

    def register(function: JobFunction) -> JobFunction:
        JOBS[name] = Job(name, function, queue, steps, of, short)
        return function

    return register


def sweep(name: str, *, seconds: int = 10) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a sweep, run by the scheduler in a unit of work of its own."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        SWEEPS[name] = Sweep(name, seconds, function)
        return function

    return register


def enqueue(name: str, *ids: UUID) -> None:
    """Ring for a job once this unit of work is committed."""
    model = JOBS[name].of
    _ring(JOBS[name], ids, row=db.session.get(model, ids[0]) if model else None)


def enqueue_each(name: str, ids: Iterable[UUID]) -> None:
    """Ring for a job about each of these rows, which are read together."""
    model, wanted, rows = JOBS[name].of, list(ids), {}
    if model and wanted:
        found = db.session.scalars(select(model).where(model.id.in_(wanted)))
        rows = {row.id: row for row in found}
    for row_id in wanted:
        _ring(JOBS[name], (row_id,), row=rows.get(row_id))


def _ring(task: Job, ids: Collection[UUID], *, row: Record | None) -> None:
    lane, arguments = task.lane(row), [str(value) for value in ids]
    db.session().info.setdefault(BUFFER, []).append(lambda: _send(task, arguments, lane=lane))


class JobFailed(Exception):
    """What RQ is told of an error: its kind and place, because its text may be somebody's data."""


def perform(name: str, *arguments: str) -> Retry | None:
    """What RQ calls: a slice of a job, so that what RQ logs and keeps of a failure names nobody.

    What it gives back lets RQ put the job at the end of its lane.
    """
    current = get_current_job()
    try:
        place = _run_slice(name, *arguments, place=current.meta.get(PLACE) if current else None)
    except Exception as error:  # noqa: BLE001  # whatever it was
        raise JobFailed(f"{name}: {type(error).__name__} at {place_of(error)}") from None
    if place is None or current is None:
        return None
    current.meta[PLACE] = place
    return Retry(max=SLICES_MAX)


def run(name: str, *arguments: str) -> None:
    """The whole of the named job in this process."""
    place = _run_slice(name, *arguments, place=None)
    while place is not None:
        place = _run_slice(name, *arguments, place=place)


def _run_slice(name: str, *arguments: str, place: str | None) -> str | None:
    """A slice of the job in an application context of its own."""
    task = JOBS[name]
    goes_on = {} if place is None else {PLACE: place}
    with application().app_context():
        if task.steps:
            return task.function(*map(UUID, arguments), **goes_on)
        with unit_of_work():
            return task.function(*map(UUID, arguments))


def run_sweep(name: str) -> None:
    """Run one sweep as the scheduler does."""
    with application().app_context(), unit_of_work():
        SWEEPS[name].function()


def application() -> Flask:
    """The application itself, not the proxy of it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  # the documented way
    return app


def redis_connection() -> Redis:
    """The connection that this process uses for the doorbell."""
    connection: Redis = current_app.extensions["redis"]
    return connection


def queue(lane: str) -> Queue:
    """The RQ queue of one lane; jobs are JSON, never pickles."""
    return Queue(lane, connection=redis_connection(), serializer=JSONSerializer)


def lanes(name: str) -> list[Queue]:
    """The lanes of a queue."""
    return [queue(f"{name}-{number}") for number in range(LANES)]


def _send(task: Job, arguments: list[str], *, lane: str) -> None:
    # The id only keeps the queue short; running a job twice is harmless.
    job_id = "-".join([task.name.replace(".", "-"), *arguments])
    options: dict[str, Any] = {  # Any: RQ's own keywords
        "job_id": job_id,
        "unique": True,
        "result_ttl": 0,
        "failure_ttl": 10,  # while its id lives, no sweep can ring for the job again
        "job_timeout": JOB_TIMEOUT_SECONDS,
    }
    bell = queue(lane)
    try:
        try:
            bell.enqueue("exchange.core.jobs.perform", task.name, *arguments, **options)
        except DuplicateJobError:
            _put_back_if_lost(bell, job_id)
    except RedisError as error:
        log.warning("the doorbell is silent (%s); the sweep will find %s", error, task.name)


def _put_back_if_lost(bell: Queue, job_id: str) -> None:
    """Queue a job anew that was taken out of its queue by a worker that ended before it began.

    It stands nowhere then, and RQ would keep its id for ever, or for a minute at best. A job that
    somebody is about to begin looks the same for a moment and runs twice, which is harmless.
    """
    job = bell.fetch_job(job_id)
    is_begun = job is None or job.get_status(refresh=False) is not JobStatus.QUEUED
    if is_begun or bell.get_job_position(job_id) is not None:
        log.debug("%s is already rung for", job_id)
        return
    log.warning("%s was taken and not begun; it is queued again", job_id)
    bell.intermediate_queue.remove(job_id)
    bell.push_job_id(job_id)


def init_app(app: Flask, redis_url: str) -> None:
    """Connect the doorbell; nothing fails here while Redis is away."""
    app.extensions["redis"] = Redis.from_url(
        redis_url, socket_connect_timeout=2, socket_timeout=None
    )
