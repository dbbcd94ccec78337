"""Jobs: verbs run later. Rows are the queue, RQ is the doorbell.

A job takes ids only and is safe to run twice. Redis may lose anything: a sweep reads from the
tables what is still to be done and rings again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import Flask, current_app
from redis import Redis, RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from exchange.core.db import JOBS as BUFFER
from exchange.core.db import db, unit_of_work
from exchange.core.errors import place_of

log = logging.getLogger(__name__)

QUEUE_NAMES: Final = ("quick", "bulk")  # in the order in which a worker empties them
JOB_TIMEOUT_SECONDS: Final = 1_800


@dataclass(frozen=True, slots=True)
class Job:
    """A verb that can be run by name."""

    name: str
    function: Callable[..., None]
    queue: str
    steps: bool  # the job ends its own units of work, one per step


@dataclass(frozen=True, slots=True)
class Sweep:
    """A query that finds what Redis forgot, run every so many seconds."""

    name: str
    seconds: int
    function: Callable[[], None]


JOBS: dict[str, Job] = {}
SWEEPS: dict[str, Sweep] = {}
JobFunction = Callable[..., None]


def job(
    name: str, *, queue: str = "quick", steps: bool = False
) -> Callable[[JobFunction], JobFunction]:
    """Register a job. With `steps` it opens a unit of work of its own for each step."""

    def register(function: JobFunction) -> JobFunction:
        JOBS[name] = Job(name, function, queue, steps)
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
    task = JOBS[name]
    arguments = [str(value) for value in ids]
    db.session().info.setdefault(BUFFER, []).append(lambda: _send(task, arguments))


class JobFailed(Exception):
    """What RQ is told of an error: its kind and place, because its text may be somebody's data."""


def perform(name: str, *arguments: str) -> None:
    """What RQ calls: `run`, so that what RQ logs and keeps of a failure names nobody."""
    try:
        run(name, *arguments)
    except Exception as error:  # noqa: BLE001  # whatever it was
        raise JobFailed(f"{name}: {type(error).__name__} at {place_of(error)}") from None


def run(name: str, *arguments: str) -> None:
    """The named job in an application context of its own."""
    task = JOBS[name]
    with application().app_context():
        if task.steps:
            task.function(*map(UUID, arguments))
            return
        with unit_of_work():
            task.function(*map(UUID, arguments))


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


def queue(name: str) -> Queue:
    """The RQ queue of that name; jobs are JSON, never pickles."""
    return Queue(name, connection=redis_connection(), serializer=JSONSerializer)


def _send(task: Job, arguments: list[str]) -> None:
    # The id only keeps the queue short; running a job twice is harmless.
    job_id = "-".join([task.name.replace(".", "-"), *arguments])
    options: dict[str, Any] = {  # Any: RQ's own keywords
        "job_id": job_id,
        "unique": True,
        "result_ttl": 0,
        "failure_ttl": 10,  # while its id lives, no sweep can ring for the job again
        "job_timeout": JOB_TIMEOUT_SECONDS,
    }
    bell = queue(task.queue)
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
