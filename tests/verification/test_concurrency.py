"""Many verifiers at once: no call is given twice, and a lot is decided once by all its answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from exchange.catalog.scripts import Outcome
from exchange.core.db import db, unit_of_work
from exchange.identity import services as identity
from exchange.identity.permissions import Role
from exchange.verification import queries
from exchange.verification.models import Sample, SampleStatus, Verdict, VerificationTask
from tests.cast import PASSWORD, Cast, Player, make_cast, qualify_verifiers
from tests.verification.support import claim, inspection_of, make_sample, report, these

VERIFIERS = 6
STORY = these({4: Outcome.DENIES, 9: Outcome.NUMBER_DEAD})


def make_verifiers(cast: Cast) -> list[Player]:
    callers = cast.verifier.organization
    return [
        Player(
            identity.add_member(
                email=f"caller{number}@callers.example",
                name=f"Caller {number}",
                password=PASSWORD,
                organization_id=callers.id,
                role=Role.VERIFIER,
            ),
            callers,
            Role.VERIFIER,
        )
        for number in range(VERIFIERS)
    ]


def call_until_nothing_waits(app: Flask, player: Player, start: threading.Barrier) -> list[str]:
    """What a verifier's browser does, each step in a transaction of its own."""
    taken = []
    start.wait()
    with app.app_context():
        while True:
            with unit_of_work():
                task = claim(player)
            if task is None:
                return taken
            taken.append(task.public_id)
            with unit_of_work():
                report(player, task, STORY(inspection_of(task).position or 0))


@pytest.mark.commits
def test_verifiers_share_the_queue_and_decide_once(committed: Flask) -> None:
    with unit_of_work():
        cast = make_cast()
        players = make_verifiers(cast)
    with unit_of_work():
        batch_id = make_sample(cast.seller).batch_id
        qualify_verifiers()
    start = threading.Barrier(VERIFIERS)
    with ThreadPoolExecutor(VERIFIERS) as pool:
        rounds = [
            pool.submit(call_until_nothing_waits, committed, player, start) for player in players
        ]
        taken = [public_id for one in rounds for public_id in one.result(timeout=120)]
    assert len(taken) == len(set(taken))
    sample = queries.find_sample(batch_id)
    assert sample is not None
    assert sample.status is SampleStatus.ACCEPTED
    assert (sample.stage, sample.n, sample.bad) == (3, 50, 2)
    assert db.session.scalar(select(func.count(Sample.id))) == 1
    assert db.session.scalar(select(func.count(Verdict.id))) == len(taken)
    doubled = (
        select(VerificationTask.inspection_id)
        .group_by(VerificationTask.inspection_id)
        .having(func.count() > 1)
    )
    assert db.session.scalars(doubled).all() == []
