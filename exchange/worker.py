"""The two processes behind the pages: one runs jobs that were rung for, one runs the sweeps.

Neither holds anything that cannot be found again in the tables, so both may be killed at any time.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from typing import Final

from flask import Flask
from redis import Redis, RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from exchange.core import jobs
from exchange.core.db import db
from exchange.core.errors import place_of
from exchange.core.jobs import Sweep
from exchange.core.priority import give_way, gives_way
from exchange.embedded.leash import tie
from exchange.market.counting import keep_up, read_ahead

log = logging.getLogger(__name__)

# RQ's floor: a job whose worker vanished without us noticing is free again after about a minute.
WORKER_TTL_SECONDS: Final = 20
MAINTENANCE_SECONDS: Final = 10
MONITORING_SECONDS: Final = 5
SWEEP_THREADS: Final = 4
TICK_SECONDS: Final = 0.2


class LeashedWorker(Worker):
    """A worker whose forked job dies with it, and speaks on connections of its own.

    Short jobs are not forked: copying this process costs several times what they do.

    It takes a job of each lane in turn, and looks at the lanes of a queue in the order of queues.
    One that runs every queue lets only those jobs give way for which nobody waits. It keeps up
    with contracts, so that jobs need not read all of them: forks know what it knows.
    """

    def reorder_queues(self, reference_queue: Queue) -> None:
        """After a job of a lane its queue's next lane comes first."""
        last = self._ordered_queues.index(reference_queue)
        begin = last - last % jobs.LANES  # each queue has as many
        end = begin + jobs.LANES
        self._ordered_queues[begin:end] = [
            *self._ordered_queues[last + 1 : end],
            *self._ordered_queues[begin : last + 1],
        ]

    def run_maintenance_tasks(self) -> None:
        """What RQ does at the start and every few seconds after, and our own."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # RQ leaves it untyped
        keep_up(jobs.application())

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a short job here, where statements are compiled and connections open, else fork."""
        task = jobs.JOBS.get(job.args[0])
        if task is None or not task.short:
            super().execute_job(job, queue)
            return
        execution = self.prepare_execution(job)
        with self._beating(job, execution):
            self.perform_job(job, queue, execution)
        self.set_state(WorkerStatus.IDLE)

    @contextmanager
    def _beating(self, job: Job, execution: Execution) -> Iterator[None]:
        """Say every few seconds that the job still runs, as RQ says it of a fork.

        Else another worker would take a long one for abandoned after a minute, and run it as well.
        """
        is_over = threading.Event()
        beats = threading.Thread(target=self._beat, args=[job, execution, is_over], daemon=True)
        beats.start()
        try:
            yield
        finally:
            is_over.set()
            beats.join()

    def _beat(self, job: Job, execution: Execution, is_over: threading.Event) -> None:
        while not is_over.wait(MONITORING_SECONDS):
            try:
                self.maintain_heartbeats(job, execution)
            except RedisError as error:
                log.warning("no heartbeat of %s: %s", job.id, type(error).__name__)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """What the fork runs instead of the worker's loop."""
        tie(signal.SIGKILL, self.pid or 0)
        if queue.name.startswith("bulk-") and not gives_way():
            give_way()
        db.engine.dispose(close=False)
        super().main_work_horse(job, queue)


def work(app: Flask, queues: Sequence[str], *, burst: bool = False) -> None:
    """Run jobs until a signal comes; SIGTERM lets the running one finish first."""
    with app.app_context():
        connection = jobs.redis_connection()
        forget_dead_workers(connection)
        worker = LeashedWorker(
            [lane for name in queues for lane in jobs.lanes(name)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            job_monitoring_interval=MONITORING_SECONDS,
        )
        read_ahead(app)
        worker.work(burst=burst, logging_level="WARNING")


def forget_dead_workers(connection: Redis) -> None:
    """Free the jobs of workers of this machine that died without a word.

    RQ would free them after a minute; until then no sweep could ring for them again.
    """
    for worker in Worker.all(connection=connection, serializer=JSONSerializer):
        if worker.hostname != socket.gethostname() or _is_alive(worker.pid):
            continue
        job_id = worker.get_current_job_id()
        worker.register_death()  # type: ignore[no-untyped-call]  # RQ leaves it untyped
        if job_id and (job := _find(job_id, connection)):
            job.delete()


def _find(job_id: str, connection: Redis) -> Job | None:
    found = Job.fetch_many([job_id], connection=connection, serializer=JSONSerializer)
    return found[0]


def _is_alive(pid: int | None) -> bool:
    # A restarted container hands out the same numbers again: ours is not the old one's.
    if pid is None or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Scheduler:
    """Runs each sweep when it is due; two schedulers never run the same one at once."""

    def __init__(self, app: Flask, sweeps: Mapping[str, Sweep]) -> None:
        self._app = app
        self._sweeps = sweeps
        self._due = dict.fromkeys(sweeps, 0.0)
        self._running: dict[str, Future[bool]] = {}

    def run(self, stop: threading.Event) -> None:
        """Run what is due until told to stop; what runs then is finished first."""
        with ThreadPoolExecutor(SWEEP_THREADS, thread_name_prefix="sweep") as pool:
            while not stop.wait(TICK_SECONDS):
                self._start_due(pool)

    def _start_due(self, pool: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        for name, sweep in self._sweeps.items():
            running = self._running.get(name)
            if self._due[name] <= now and (running is None or running.done()):
                self._due[name] = now + sweep.seconds
                self._running[name] = pool.submit(run_alone, self._app, name)


def run_alone(app: Flask, name: str) -> bool:
    """Run one sweep unless somebody else runs it now; an error is logged and goes no further.

    Returns whether it was run.
    """
    try:
        with app.app_context():
            return _run_locked(name)
    except SQLAlchemyError as error:
        log.warning("sweep %s: the database refused (%s)", name, type(error).__name__)
    except Exception as error:  # noqa: BLE001  # one sweep must not stop the others
        kind = type(error).__name__
        log.error("sweep %s failed: %s at %s", name, kind, place_of(error))  # noqa: TRY400  # its text may be data
    return False


def _run_locked(name: str) -> bool:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"key": lock_key(name)}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            return False
        try:
            jobs.run_sweep(name)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        return True


def lock_key(name: str) -> int:
    """The number of a sweep's lock: 63 bits of a hash, so that names do not collide."""
    return int.from_bytes(sha256(f"sweep:{name}".encode()).digest()[:8]) >> 1
