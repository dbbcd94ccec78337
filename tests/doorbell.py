"""Run in this process what the application has rung for."""

from __future__ import annotations

from rq import Queue

from exchange.core import jobs
from exchange.core.db import db

ROUNDS_MAX = 500


def run_jobs() -> int:
    """Run rung jobs, and those that they ring for, until none is left; returns how many ran."""
    ran = 0
    while ran < ROUNDS_MAX:
        job = _pop()
        if job is None:
            db.session.flush()
            db.session.expire_all()  # what jobs have written is read anew, as by a next request
            return ran
        jobs.run(*job)
        ran += 1
    raise AssertionError(f"jobs ring for each other without end: {job}")


def rung() -> set[str]:
    """Names of the jobs that Redis knows of."""
    return {job.args[0] for lane in _lanes() for job in lane.get_jobs()}


def _lanes() -> list[Queue]:
    return [lane for name in jobs.QUEUE_NAMES for lane in jobs.lanes(name)]


def _pop() -> tuple[str, ...] | None:
    lanes = {lane.key: lane for lane in _lanes()}
    while found := jobs.redis_connection().lmpop(len(lanes), *lanes, direction="LEFT"):
        key, [job_id] = found
        job = lanes[key.decode()].fetch_job(job_id.decode())
        if job is not None:
            arguments = tuple(job.args)
            job.delete()
            return arguments
    return None
