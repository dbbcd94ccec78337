"""Many verifiers at once: no call is given twice, and a lot is decided once by all its answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from exchange.catalog.scripts import Outcome
from exchange.core.db import db, unit_of_work
from exchange.identity import services as identity
from exchange.identity.permissions import Role
from exchange.verification import queries
from exchange.verification.gold_models import GoldCase, GoldOrigin
from exchange.verification.models import (
    OutcomeClass,
    Sample,
    SampleStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.queries import gold
from tests.cast import PASSWORD, Cast, Player, make_cast, qualify_verifiers
from tests.verification.support import (
    always,
    cases,
    claim,
    inspection_of,
    make_sample,
    report,
    skill_of,
    these,
)

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


def call_until_decided(
    app: Flask, player: Player, start: threading.Barrier, *, batch_id: UUID
) -> list[tuple[str, int]]:
    """What a verifier's browser does, each step in a transaction of its own."""
    taken = []
    start.wait()
    with app.app_context():
        while True:
            with unit_of_work():
                task = claim(player)
            if task is None and is_decided(batch_id):
                return taken
            if task is None:
                continue  # a colleague is about to ask for another opinion
            taken.append((task.public_id, task.lease_number))
            with unit_of_work():
                report(player, task, STORY(inspection_of(task).position or 0))


def is_decided(batch_id: UUID) -> bool:
    with unit_of_work():
        status = select(Sample.status).where(Sample.batch_id == batch_id)
        return db.session.scalar(status) is not SampleStatus.OPEN


def claim_together(app: Flask, player: Player, start: threading.Barrier) -> bool:
    """A claim that is not over before everybody has claimed; whether a known call came of it."""
    with app.app_context(), unit_of_work():
        task = claim(player, dice=always)
        assert task is not None
        start.wait(timeout=60)
        return task.only_for_id is not None


@pytest.mark.commits
@pytest.mark.parametrize(("guarded", "given"), [(True, 1), (False, VERIFIERS)])
def test_a_person_is_asked_again_once_whoever_claims_at_that_moment(
    committed: Flask, monkeypatch: pytest.MonkeyPatch, guarded: bool, given: int
) -> None:
    with unit_of_work():
        cast = make_cast()
        players = make_verifiers(cast)
    with unit_of_work():
        make_sample(cast.seller)
        cases(cast, bad=1)
        asked_once = {"calls_max": 1, "origin": GoldOrigin.CONFIRMED}
        db.session.execute(update(GoldCase).values(**asked_once))
        for player in players:
            skill_of(player)
    if not guarded:  # the control
        monkeypatch.setattr(gold, "hold_case", lambda *_case, **_whose: True)
    start = threading.Barrier(VERIFIERS)
    with ThreadPoolExecutor(VERIFIERS) as pool:
        claims = [pool.submit(claim_together, committed, one, start) for one in players]
        assert sum(one.result(timeout=120) for one in claims) == given


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
            pool.submit(call_until_decided, committed, player, start, batch_id=batch_id)
            for player in players
        ]
        taken = [call for one in rounds for call in one.result(timeout=120)]
    assert len(taken) == len(set(taken))
    sample = queries.find_sample(batch_id)
    assert sample is not None
    assert sample.status is SampleStatus.ACCEPTED
    assert (sample.stage, sample.n, sample.bad) == (3, 50, 2)
    assert db.session.scalar(select(func.count(Sample.id))) == 1
    assert db.session.scalar(select(func.count(Verdict.id))) == len(taken)
    confirmed = select(func.count(func.distinct(Verdict.verifier_id))).group_by(
        Verdict.inspection_id
    )
    found_bad = confirmed.where(Verdict.outcome == OutcomeClass.BAD)
    assert set(db.session.scalars(found_bad)) == {2}
    doubled = (
        select(VerificationTask.inspection_id)
        .group_by(VerificationTask.inspection_id)
        .having(func.count() > 1)
    )
    assert db.session.scalars(doubled).all() == []
