"""Run in this process what the application has rung for."""

from __future__ import annotations

from exchange.core import jobs

ROUNDS_MAX = 500


def run_jobs() -> int:
    """Run rung jobs, and those that they ring for, until none is left; returns how many ran."""
    ran = 0
    while ran < ROUNDS_MAX:
        job = next((found for name in jobs.QUEUE_NAMES if (found := _pop(name))), None)
        if job is None:
            return ran
        jobs.run(*job)
        ran += 1
    raise AssertionError(f"jobs ring for each other without end: {job}")


def _pop(name: str) -> tuple[str, ...] | None:
    queue = jobs.queue(name)
    for job_id in queue.job_ids:
        job = queue.fetch_job(job_id)
        queue.remove(job_id)
        if job is not None:
            arguments = tuple(job.args)
            job.delete()
            return arguments
    return None
