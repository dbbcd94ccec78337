"""The scheduler and the worker: one at a time, none stops the others, the dead hold nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import traceback
from uuid import UUID

import pytest
from flask import Flask
from rq import Worker, get_current_job
from rq.serializers import JSONSerializer
from sqlalchemy import select, text

from exchange import worker
from exchange.core import jobs
from exchange.core.db import db, unit_of_work
from exchange.core.ids import uuid7
from exchange.core.jobs import Job, Sweep
from exchange.core.priority import NICENESS
from exchange.identity.models import Membership
from exchange.identity.permissions import OrganizationKind
from exchange.market.kept import BOOKS, contract_books
from exchange.worker import LeashedWorker, Scheduler, forget_dead_workers, lock_key, run_alone, work
from tests.cast import make_cast, make_company
from tests.doorbell import rung
from tests.factories.contracts import make_contract
from tests.waiting import eventually

RAN: list[str] = []


def note() -> None:
    """Leave a trace in this process, and one that a forked job can leave as well."""
    db.session.execute(text("SELECT 1"))
    RAN.append("note")
    jobs.redis_connection().incr("noted")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def note_niceness(queue: str) -> None:
    jobs.redis_connection().hset("niceness", queue, niceness())


def say_what_is_known() -> None:
    """How many contracts a job knows before it asked for any."""
    known = sum(len(book.index) for book in contract_books().values())
    jobs.redis_connection().set("known", known)


def outlive_its_lease() -> None:
    """Run until the lease, which is over, was renewed by whoever sees that this still runs."""
    job = get_current_job()
    assert job
    leases = job.started_job_registry.key
    redis = jobs.redis_connection()
    (running,) = redis.zrange(leases, 0, -1)
    redis.zadd(leases, {running: 1})
    eventually(lambda: redis.zscore(leases, running) > time.time(), seconds=5)
    RAN.append("outlived")


def fail() -> None:
    raise ValueError("a sweep's own mistake")


def divide() -> None:
    db.session.execute(text("SELECT 1 / 0"))


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    RAN.clear()
    for function in (note, fail, divide):
        sweep = Sweep(f"tests.{function.__name__}", 1, function)
        monkeypatch.setitem(jobs.SWEEPS, sweep.name, sweep)
    for name, function in (("tests.note", note), ("tests.know", say_what_is_known)):
        job = Job(name=name, function=function, queue="quick", steps=False)
        monkeypatch.setitem(jobs.JOBS, job.name, job)


class TestSweeps:
    def test_runs_alone(self, committed: Flask) -> None:
        with db.engine.connect() as other:
            key = {"key": lock_key("tests.note")}
            other.execute(text("SELECT pg_advisory_lock(:key)"), key)
            assert not run_alone(committed, "tests.note")
            assert RAN == []
            other.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        assert run_alone(committed, "tests.note")
        assert RAN == ["note"]

    def test_gives_its_lock_back_after_a_failure(
        self, committed: Flask, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert not run_alone(committed, "tests.fail")
        assert "sweep tests.fail failed" in caplog.text
        with db.engine.connect() as other:
            key = {"key": lock_key("tests.fail")}
            assert other.scalar(text("SELECT pg_try_advisory_lock(:key)"), key)

    def test_refusal_of_the_database_is_said_without_its_words(
        self, committed: Flask, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert not run_alone(committed, "tests.divide")
        assert "sweep tests.divide: the database refused (DataError)" in caplog.text

    def test_failure_does_not_stop_the_others(self, committed: Flask) -> None:
        names = ("tests.fail", "tests.note")
        scheduler = Scheduler(committed, {name: jobs.SWEEPS[name] for name in names})
        stop = threading.Event()
        thread = threading.Thread(target=scheduler.run, args=[stop])
        thread.start()
        try:
            eventually(lambda: len(RAN) >= 2)
        finally:
            stop.set()
            thread.join()

    def test_locks_differ_by_name(self) -> None:
        keys = {lock_key(f"package.{number}") for number in range(1_000)}
        assert len(keys) == 1_000
        assert all(0 <= key < 2**63 for key in keys)


class TestWorker:
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # RQ forks beside its thread
    def test_runs_what_was_rung_for(self, committed: Flask) -> None:
        with unit_of_work():
            jobs.enqueue("tests.note")
        work(committed, ["quick"], burst=True)
        assert rung() == set()
        assert jobs.redis_connection().get("noted") == b"1"
        assert RAN == []

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # as above
    def test_only_a_job_for_which_nobody_waits_gives_way(
        self, committed: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for queue in jobs.QUEUE_NAMES:
            job = Job(
                f"tests.{queue}", lambda queue=queue: note_niceness(queue), queue, steps=False
            )
            monkeypatch.setitem(jobs.JOBS, job.name, job)
            with unit_of_work():
                jobs.enqueue(job.name)
        work(committed, jobs.QUEUE_NAMES, burst=True)
        noted = jobs.redis_connection().hgetall("niceness")
        assert noted == {b"quick": str(niceness()).encode(), b"bulk": str(NICENESS).encode()}

    def test_a_short_job_is_run_by_the_worker_itself(
        self, committed: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for function in (fail, note):
            name = f"tests.short_{function.__name__}"
            job = Job(name, function, queue="quick", steps=False, short=True)
            monkeypatch.setitem(jobs.JOBS, name, job)
            with unit_of_work():
                jobs.enqueue(name)
        work(committed, ["quick"], burst=True)
        assert rung() == set()
        assert RAN == ["note"]

    def test_a_short_job_that_takes_long_is_not_taken_for_abandoned(
        self, committed: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "MONITORING_SECONDS", 0.01)
        job = Job("tests.last", outlive_its_lease, queue="quick", steps=False, short=True)
        monkeypatch.setitem(jobs.JOBS, job.name, job)
        with unit_of_work():
            jobs.enqueue(job.name)
        (lane,) = (lane for lane in jobs.lanes("quick") if lane.count)
        LeashedWorker([lane], connection=jobs.redis_connection(), serializer=JSONSerializer).work(
            burst=True
        )
        assert RAN == ["outlived"]
        assert rung() == set()

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # as above
    def test_jobs_know_the_contracts_that_their_worker_has_read(self, committed: Flask) -> None:
        with unit_of_work():
            make_contract(make_cast().buyer)
            committed.extensions.pop(BOOKS, None)
            jobs.enqueue("tests.know")
        work(committed, ["quick"], burst=True)
        assert jobs.redis_connection().get("known") == b"1"

    def test_job_of_a_dead_worker_can_be_rung_for_again(self, committed: Flask) -> None:
        connection = jobs.redis_connection()
        queue = jobs.queue("quick-0")
        job = queue.enqueue(
            "exchange.core.jobs.run", "tests.note", job_id="tests-note", unique=True
        )
        dead = Worker([queue], connection=connection, serializer=JSONSerializer)
        dead.pid = self.number_of_the_dead()
        dead.register_birth()  # type: ignore[no-untyped-call]  # RQ's own
        execution = dead.prepare_execution(job)
        assert execution
        forget_dead_workers(connection)
        assert Worker.all(connection=connection, serializer=JSONSerializer) == []
        assert queue.fetch_job("tests-note") is None
        queue.empty()  # type: ignore[no-untyped-call]  # RQ's own
        queue.enqueue("exchange.core.jobs.run", "tests.note", job_id="tests-note", unique=True)

    def test_living_worker_keeps_its_job(self, committed: Flask) -> None:
        connection = jobs.redis_connection()
        queue = jobs.queue("quick-0")
        job = queue.enqueue(
            "exchange.core.jobs.run", "tests.note", job_id="tests-note", unique=True
        )
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
            living = Worker([queue], connection=connection, serializer=JSONSerializer)
            living.pid = other.pid
            living.register_birth()  # type: ignore[no-untyped-call]  # RQ's own
            living.prepare_execution(job)
            forget_dead_workers(connection)
            assert queue.fetch_job("tests-note") is not None
            assert other.stdin
            other.stdin.close()

    @staticmethod
    def number_of_the_dead() -> int:
        with subprocess.Popen([sys.executable, "-c", ""]) as child:
            pass
        return child.pid


def slip() -> None:
    raise ValueError("Zacharias Quill")


def wait_behind(_who: UUID, *_number: UUID) -> None:
    jobs.redis_connection().rpush("ran", "loud")


def be_alone(_who: UUID) -> None:
    """Leave a trace, and nothing for the worker to go on with."""
    jobs.redis_connection().rpush("ran", "quiet")
    for lane in jobs.lanes("quick"):
        lane.empty()  # type: ignore[no-untyped-call]  # RQ's own


def go_on(_who: UUID, *, place: str = "0") -> str | None:
    jobs.redis_connection().rpush("ran", f"loud {place}")
    return str(int(place) + 1) if place < "3" else None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # RQ forks beside its thread
class TestTurns:
    """Who has little to do does not wait for whoever has much."""

    @pytest.fixture(autouse=True)
    def _jobs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for function, steps in ((wait_behind, False), (be_alone, False), (go_on, True)):
            job = Job(f"tests.{function.__name__}", function, "quick", steps, Membership)
            monkeypatch.setitem(jobs.JOBS, job.name, job)

    def test_one_job_comes_before_the_backlog_of_another(self, committed: Flask) -> None:
        assert self.ran_before(200) <= 1

    def test_in_one_line_it_waits_for_all_of_them(
        self, committed: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control."""
        monkeypatch.setattr(jobs, "LANES", 1)
        assert self.ran_before(20) == 20

    def ran_before(self, backlog: int) -> int:
        loud, quiet = self.two_companies()
        with unit_of_work():
            for _ in range(backlog):
                jobs.enqueue("tests.wait_behind", loud, uuid7())
        with unit_of_work():
            jobs.enqueue("tests.be_alone", quiet)
        work(jobs.application(), ["quick"], burst=True)
        ran = jobs.redis_connection().lrange("ran", 0, -1)
        return ran.index(b"quiet")

    def test_a_long_job_lets_others_go_between_its_slices(self, committed: Flask) -> None:
        loud, quiet = self.two_companies()
        with unit_of_work():
            jobs.enqueue("tests.go_on", loud)
            jobs.enqueue_each("tests.wait_behind", [quiet])
        work(committed, ["quick"], burst=True)
        ran = [one.decode() for one in jobs.redis_connection().lrange("ran", 0, -1)]
        assert [one for one in ran if one != "loud"] == [f"loud {n}" for n in range(4)]
        assert ran.index("loud") <= 1
        assert rung() == set()

    def test_quick_jobs_come_before_bulk_ones_of_any_lane(self, committed: Flask) -> None:
        worker = LeashedWorker(
            [lane for name in jobs.QUEUE_NAMES for lane in jobs.lanes(name)],
            connection=jobs.redis_connection(),
            serializer=JSONSerializer,
        )
        for name in ("quick-5", "bulk-63", "quick-0", "quick-5"):
            worker.reorder_queues(jobs.queue(name))
        order = [lane.name for lane in worker._ordered_queues]
        assert [name.split("-")[0] for name in order] == ["quick"] * 64 + ["bulk"] * 64
        assert order[0] == "quick-6"
        assert order[64] == "bulk-0"

    @staticmethod
    def two_companies() -> tuple[UUID, UUID]:
        """Memberships of two sellers that do not share a lane."""
        with unit_of_work():
            players = [
                make_company(f"{name}@seller.example", OrganizationKind.SELLER, name)
                for name in ("loud", "quiet", "other")
            ]
            found = {
                jobs.JOBS["tests.go_on"].lane(member): member.id
                for member in db.session.scalars(select(Membership))
            }
        assert len(players) == 3
        first, second, *_ = found.values() if jobs.LANES > 1 else [*found.values()] * 2
        return first, second


class TestFailures:
    def test_what_rq_is_told_of_an_error_names_nobody(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = Job(name="tests.slip", function=slip, queue="quick", steps=False)
        monkeypatch.setitem(jobs.JOBS, job.name, job)
        with pytest.raises(jobs.JobFailed) as failed:
            jobs.perform("tests.slip")
        told = "".join(traceback.format_exception(failed.value))
        assert "tests.slip: ValueError at test_worker.py" in told
        assert "Quill" not in told

    def test_a_sweeps_error_is_logged_without_its_text(
        self, committed: Flask, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert not run_alone(committed, "tests.fail")
        assert "tests.fail failed: ValueError at test_worker.py" in caplog.text
        assert "own mistake" not in caplog.text
