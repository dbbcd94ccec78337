"""A verifier at work, for tests: lots that are sealed, drawn and called as a story wants it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from exchange.catalog.models import Vertical
from exchange.catalog.scripts import OUTCOME_CLASS, Outcome
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, save
from exchange.identity.models import Membership, User
from exchange.leads.models import Batch, BatchStatus
from exchange.leads.samples import invented_rows
from exchange.verification import queries
from exchange.verification.gold_models import GoldCase, GoldCheck
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    OutcomeClass,
    Sample,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.queries.lots import PublicRecord
from exchange.verification.services import draws, gold_cases, qualifications, tasks, verdicts
from exchange.verification.services.gold import Dice
from exchange.verification.worker_models import Qualification
from tests.cast import Cast, Player
from tests.factories.catalog import definition_of, make_vertical
from tests.factories.leads import make_batch

# By position in the draw order, from 1: how the call ends.
Story = Callable[[int], Outcome]

_filed: dict[str, PublicRecord] = {}


def everybody(code: Outcome) -> Story:
    """Every call ends alike."""
    return lambda _position: code


def these(codes: dict[int, Outcome], *, others: Outcome = Outcome.CONFIRMED) -> Story:
    """These positions end so, all others otherwise."""
    return lambda position: codes.get(position, others)


def make_sealed(seller: Player, *, leads: int = 120, **terms: Any) -> Batch:
    """A lot whose root is public and whose nonce is awaited."""
    batch = make_batch(seller, leads=leads, status=BatchStatus.SEALED, **terms)
    draws.root(batch_id=batch.id, actor=SYSTEM)
    return batch


def make_sample(seller: Player, *, nonce: str = "a nonce", **terms: Any) -> Sample:
    """A lot that was drawn with the seller's nonce."""
    batch = make_sealed(seller, **terms)
    draws.give_nonce(batch_id=batch.id, nonce=nonce, by="seller", actor=seller.actor)
    sample = queries.find_sample(batch.id)
    assert sample is not None
    return sample


def filed(
    name: str, request: pytest.FixtureRequest, make: Callable[[Cast], PublicRecord]
) -> PublicRecord:
    """A record as somebody keeps it who has no tables; made once, for all tests that only read it."""
    if name not in _filed:
        made = make(request.getfixturevalue("cast"))
        leaves, numbers = list(made.leaves()), made.source_map()
        _filed[name] = PublicRecord(made.header, lambda: leaves, lambda: numbers)
    kept = _filed[name]
    return PublicRecord(deepcopy(kept.header), kept.leaves, kept.source_map)


def always(*_asked: object) -> float:
    """Dice by which a known call comes whenever one may, and is a bad one where both fit."""
    return 0.0


def never(*_asked: object) -> float:
    """Dice by which no known call comes, outside of an exam."""
    return 0.999


def claim(verifier: Player, *, dice: Dice = never) -> VerificationTask | None:
    """The next call of a verifier."""
    return tasks.claim_next(
        verifier_id=verifier.user.id,
        organization_id=verifier.organization.id,
        dice=dice,
        actor=verifier.actor,
    )


def claimed(verifier: Player) -> VerificationTask:
    """The next call of a verifier, who finds one."""
    task = claim(verifier)
    assert task is not None
    return task


def take(verifier: Player, sample: Sample, position: int) -> VerificationTask:
    """The call of this very position, out of turn."""
    return claim_this(verifier, task_at(sample, position))


def report(verifier: Player, task: VerificationTask, code: Outcome, **more: Any) -> Verdict:
    """The verdict on a call that is held."""
    if code is Outcome.CORRECTED:
        more.setdefault("note", "another year")
    if code is Outcome.CALL_BACK:
        more.setdefault("callback_at", clock.after_lock() + timedelta(hours=2))
    more.setdefault("sure", True)
    return verdicts.submit(
        task_id=task.id, lease_number=task.lease_number, code=code, actor=verifier.actor, **more
    )


def work(verifier: Player, story: Story, *, calls: int = 1_000) -> int:
    """Call whoever waits, as the story goes, until nobody does; returns how many calls it took.

    Who is asked for another opinion finds the same, at once; those calls are not counted.
    """
    for made in range(calls):
        task = claim(verifier)
        if task is None:
            return made
        settle(verifier, task, story(inspection_of(task).position or 0))
    return calls


def settle(verifier: Player, task: VerificationTask, code: Outcome, **more: Any) -> Verdict:
    """The verdict on a call that is held, and of as many colleagues as are asked, who agree."""
    verdict = report(verifier, task, code, **more)
    for colleague in colleagues_of(verifier):
        is_asked = verdict.outcome is not None and task.status is TaskStatus.QUEUED
        if is_asked and task.not_before <= clock.after_lock():
            report(colleague, claim_this(colleague, task), code, **more)
    return verdict


def colleagues_of(verifier: Player) -> list[Player]:
    """The other callers of the verifier's organization who are not on a call."""
    busy = select(VerificationTask.claimed_by_id).where(
        VerificationTask.status == TaskStatus.CLAIMED
    )
    others = (
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.organization_id == verifier.organization.id,
            User.id != verifier.user.id,
            User.id.not_in(busy),
        )
    )
    found = db.session.scalars(others.order_by(User.id))
    return [Player(user, verifier.organization, verifier.role) for user in found]


def claim_this(verifier: Player, task: VerificationTask) -> VerificationTask:
    """This very call, out of turn."""
    return tasks.claim(
        task_id=task.id,
        verifier_id=verifier.user.id,
        organization_id=verifier.organization.id,
        actor=verifier.actor,
    )


def inspection_of(task: VerificationTask) -> Inspection:
    """What a call asks."""
    return get(Inspection, task.inspection_id)


def task_at(sample: Sample, position: int) -> VerificationTask:
    """The call of a position, which is in the queue or was."""
    task = db.session.scalar(
        select(VerificationTask)
        .join(Inspection, Inspection.id == VerificationTask.inspection_id)
        .where(Inspection.ref_id == sample.id, Inspection.position == position)
        .execution_options(populate_existing=True)
    )
    assert task is not None
    return task


def inspection_at(sample: Sample, position: int) -> Inspection:
    """The question at a position."""
    return queries.inspections_of(sample.id)[position - 1]


def later(**span: float) -> None:
    """Move the sandbox's clock."""
    clock.advance(timedelta(**span))


def cases(cast: Cast, *, good: int = 0, bad: int = 0, vertical: Vertical | None = None) -> None:
    """Test identities whose answers are known."""
    vertical = vertical or make_vertical()
    definition = definition_of(vertical)
    rows = invented_rows(definition, random=Random(7), count=good + bad, now=clock.now())
    for number, row in enumerate(rows):
        code, ending = (Outcome.WRONG_PERSON, "01") if number < bad else (Outcome.CONFIRMED, "33")
        values = {**row, "phone": row["phone"][:-2] + ending}
        gold_cases.seed(vertical_id=vertical.id, values=values, code=code, actor=cast.admin.actor)


def skill_of(verifier: Player, vertical: Vertical | None = None) -> Qualification:
    """What allows a verifier to call, given where they had none."""
    vertical = vertical or make_vertical()
    return qualifications.grant(
        verifier_id=verifier.user.id,
        vertical_id=vertical.id,
        language=vertical.language,
        actor=SYSTEM,
    )


def claim_gold(verifier: Player) -> VerificationTask:
    """The next call of a verifier, a known one."""
    task = claim(verifier, dice=always)
    assert task is not None
    assert inspection_of(task).purpose is InspectionPurpose.GOLD
    return task


def case_of(task: VerificationTask) -> GoldCase:
    """The case behind a known call."""
    return get(GoldCase, get(GoldCheck, inspection_of(task).ref_id).case_id)


def answer_gold(verifier: Player, *, rightly: bool = True) -> Verdict:
    """A known call, answered."""
    task = claim_gold(verifier)
    is_good = case_of(task).truth is OutcomeClass.GOOD
    code = Outcome.CONFIRMED if is_good is rightly else Outcome.WRONG_PERSON
    return report(verifier, task, code)


def judged_too(cast: Cast, verdict: Verdict, code: Outcome | None = None) -> None:
    """Another verifier's answer to the same question; the same one unless `code` is given."""
    save(
        Verdict(
            task_id=verdict.task_id,
            lease_number=99,
            inspection_id=verdict.inspection_id,
            lead_id=verdict.lead_id,
            verifier_id=cast.second_verifier.user.id,
            organization_id=cast.second_verifier.organization.id,
            seller_id=verdict.seller_id,
            code=verdict.code if code is None else code.value,
            outcome=verdict.outcome if code is None else OUTCOME_CLASS[code],
            seconds=60,
        )
    )
