"""Sweeps and jobs of the spot check: found from the tables alone, harmless when run twice."""

from __future__ import annotations

from sqlalchemy import func, select

from exchange.core import jobs
from exchange.core.db import db
from exchange.leads.models import BatchStatus
from exchange.verification import queries
from exchange.verification.models import Inspection, Sample, TaskStatus
from tests.cast import Cast
from tests.verification.support import claimed, later, make_sample, make_sealed


class TestDraws:
    def test_are_made_where_no_nonce_came(self, cast: Cast, sweep, run_jobs) -> None:
        batch = make_sealed(cast.seller)
        db.session.commit()
        sweep("verification.draws")
        assert run_jobs() == 0
        later(minutes=11)
        db.session.commit()
        sweep("verification.draws")
        assert run_jobs() == 1
        draw = queries.get_draw(batch.id)
        assert draw is not None
        assert (draw.nonce, draw.nonce_by) == ("", "nobody")
        db.session.refresh(batch)
        assert batch.status is BatchStatus.SAMPLING

    def test_are_rung_for_again_when_the_doorbell_forgot(self, cast: Cast, sweep, run_jobs) -> None:
        batch = make_sealed(cast.seller)
        later(minutes=11)
        db.session.commit()
        sweep("verification.draws")
        jobs.redis_connection().flushdb()
        assert run_jobs() == 0
        sweep("verification.draws")
        assert run_jobs() == 1
        assert queries.find_sample(batch.id) is not None

    def test_twice_is_one_sample(self, cast: Cast, sweep, run_jobs) -> None:
        batch = make_sealed(cast.seller)
        later(minutes=11)
        db.session.commit()
        for _ in range(2):
            sweep("verification.draws")
            run_jobs()
            jobs.run("verification.draw", str(batch.id))
        assert db.session.scalar(select(func.count(Sample.id))) == 1
        assert db.session.scalar(select(func.count(Inspection.id))) == 92

    def test_before_their_time_change_nothing(self, cast: Cast, run_jobs) -> None:
        sample = make_sample(cast.seller)
        db.session.commit()
        jobs.run("verification.draw", str(sample.batch_id))
        assert db.session.scalar(select(func.count(Sample.id))) == 1


class TestLeases:
    def test_are_freed_and_twice_changes_nothing(self, cast: Cast, sweep) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        later(minutes=16)
        db.session.commit()
        for _ in range(2):
            sweep("verification.leases")
            db.session.refresh(task)
            assert (task.status, task.lease_number) == (TaskStatus.QUEUED, 1)

    def test_that_run_are_left_alone(self, cast: Cast, sweep) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        later(minutes=14)
        db.session.commit()
        sweep("verification.leases")
        db.session.refresh(task)
        assert task.status is TaskStatus.CLAIMED
