"""Claiming the next call: 100,000 wait, of 200 skills, for 20 verifiers at 100 claims a second.

Open loop: each verifier claims five times a second, at a random moment of each beat, whatever the
claim before took. The figure is the claiming transaction as a request makes it, from its begin to
the answer to its commit, in two processes as the web server has. Between two claims the call is put
aside by plain SQL outside of the measured time: its verdict is another figure's business.
"""

from __future__ import annotations

import multiprocessing
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from uuid import UUID

import psycopg
from flask import Flask

from bench.harness import Bench, p95
from bench.sampling.crowd import Claimer, make_queue
from bench.sampling.stage import close, stage
from exchange.app import create_app
from exchange.config import Settings
from exchange.core.db import unit_of_work
from exchange.verification.services import tasks

PROCESSES = 2
GOAL = 5.0  # ms


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: which call, how long the transaction took, how late it began, in seconds."""

    task: UUID
    seconds: float
    late: float


@dataclass(frozen=True, slots=True)
class Shift:
    """How claims follow each other: so many a second of each verifier, or as fast as they can."""

    seconds: float
    per_second: float | None = None

    def beats(self, random: random.Random) -> Iterator[float]:
        """The moments at which claims are due, each given when it has come."""
        began = time.perf_counter()
        for number in range(int(self.seconds * (self.per_second or 1_000_000))):
            if self.per_second is None:
                due = time.perf_counter()
            else:
                due = began + (number + random.random()) / self.per_second
            if due - began >= self.seconds:
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            yield due


# 20 people who each finish a check in 0.2 s; then without any pause.
WARM, OPEN_LOOP, SATURATED = Shift(3, per_second=5), Shift(20, per_second=5), Shift(8)
SHIFTS = (WARM, OPEN_LOOP, SATURATED)


def run(bench: Bench) -> None:
    """Measure the open loop, then as fast as the machine can."""
    with stage() as ours:
        claimers = make_queue(ours)
        spawn = multiprocessing.get_context("spawn")
        parts = [claimers[number::PROCESSES] for number in range(PROCESSES)]
        with spawn.Manager() as manager:
            start = manager.Barrier(PROCESSES)
            with spawn.Pool(PROCESSES) as pool:
                found = pool.starmap(
                    _work, [(ours.settings, part, start) for part in parts], chunksize=1
                )
        _require_skill(ours.owner)
    _, measured, saturated = ([*one, *other] for one, other in zip(*found, strict=True))
    given = [claim.task for part in found for claims in part for claim in claims]
    assert len(given) == len(set(given)), "a call was given out twice"
    _say(measured)
    rate, slow = len(saturated) / SATURATED.seconds, p95(_milliseconds(saturated))
    print(f"# saturated, without goal: {rate:.0f} claims/s, p95 {slow:.1f} ms")
    bench.figure("claim_p95", p95(_milliseconds(measured)), "ms", goal=("<=", GOAL))


def _require_skill(owner: str) -> None:
    """Nobody was given a call that they may not make."""
    with psycopg.connect(owner) as connection:
        given = connection.execute(
            "SELECT count(*) FROM verification_task AS task WHERE claimed_by_id IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM qualification AS skill"
            " WHERE skill.verifier_id = task.claimed_by_id"
            " AND skill.vertical_id = task.vertical_id AND skill.language = task.language)"
        ).fetchone()
    assert given == (0,), "a call was given to somebody without its skill"


def _milliseconds(claims: Sequence[Claim]) -> list[float]:
    return [claim.seconds * 1_000 for claim in claims]


def _say(claims: Sequence[Claim]) -> None:
    times, late = _milliseconds(claims), [claim.late * 1_000 for claim in claims]
    print(
        f"# {len(claims) / OPEN_LOOP.seconds:.0f} claims/s: p50 {statistics.median(times):.1f} ms,"
        f" p95 {p95(times):.1f} ms; begun late p95 {p95(late):.1f} ms"
    )


def _work(settings: Settings, claimers: Sequence[Claimer], start: Barrier) -> list[list[Claim]]:
    """The claims of one process, shift by shift, a thread for each verifier."""
    app = create_app(settings)
    found = []
    with ThreadPoolExecutor(len(claimers)) as threads:
        for shift in SHIFTS:
            start.wait()
            waiting = [threads.submit(_claims, app, one, shift) for one in claimers]
            found.append([claim for each in waiting for claim in each.result()])
    with app.app_context():
        close(app)
    return found


def _claims(app: Flask, claimer: Claimer, shift: Shift) -> list[Claim]:
    """What one verifier claims in a shift."""
    address, found = app.config["SETTINGS"].database_url, []
    with psycopg.connect(address, autocommit=True) as aside:
        for due in shift.beats(random.Random(claimer.id.int)):
            claim = _claim(app, claimer, due=due)
            aside.execute(
                "UPDATE verification_task SET status = 'submitted' WHERE id = %s", [claim.task]
            )
            found.append(claim)
    return found


def _claim(app: Flask, claimer: Claimer, *, due: float) -> Claim:
    with app.app_context():
        began = time.perf_counter()
        with unit_of_work():
            task = tasks.claim_next(
                verifier_id=claimer.id, organization_id=claimer.organization_id, actor=claimer.actor
            )
            assert task is not None
            task_id = task.id
        return Claim(task_id, time.perf_counter() - began, began - due)
