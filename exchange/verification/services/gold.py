"""Verbs of known calls: one is given instead of an ordinary one, and looks like it to the second.

A known call acts on no lead, moves no tally and refunds nobody. Whether one comes is fixed by the
verifier and the waiting call it precedes, under a key: giving the call back and taking it again
changes nothing, so nobody can fish for known calls or around them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from exchange.catalog.models import Vertical
from exchange.core import clock, ids
from exchange.core.actors import SYSTEM
from exchange.core.db import get, save
from exchange.core.keys import keyring
from exchange.core.states import transition
from exchange.leads.models import Lead
from exchange.verification.gold_models import Exam, GoldCase, GoldCheck, GoldOrigin
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    TaskStatus,
    VerificationTask,
)
from exchange.verification.policy import LocalHours
from exchange.verification.queries import gold as queries
from exchange.verification.queries.workers import find_qualification
from exchange.verification.worker_models import Qualification
from exchange.verification.workers import EXAM_SIZE, before, gold_rate, wants_bad

# A number from 0 up to 1 for a verifier, a record and a question; the same when asked again.
Dice = Callable[[UUID, UUID, str], float]
Hours = Callable[..., LocalHours]

# A call that was skipped is others' for a while; a known one has no others and does not come back.
SKIPPED: Final = timedelta(days=1)
SKIPPED_TIDIED: Final = timedelta(hours=1)
LEFT_BEHIND: Final = timedelta(days=7)


@dataclasses.dataclass(frozen=True, slots=True)
class Occasion:
    """Who asks for a call, for which organization, when, and by which dice and calling hours."""

    verifier_id: UUID
    organization_id: UUID
    now: datetime
    hours: Hours
    dice: Dice
    sits_exam: bool


def keyed_dice(verifier_id: UUID, record_id: UUID, what: str) -> float:
    """Dice that nobody without the master key can foresee."""
    thrown = keyring().blind_index("gold", f"{verifier_id}|{record_id}|{what}")
    return int.from_bytes(thrown[:6], "big") / (1 << 48)


def instead_of(found: VerificationTask | None, occasion: Occasion) -> VerificationTask | None:
    """The call to give where this one, locked, would be next: itself, or a known one before it.

    While somebody sits an exam its calls come first. A call-back, or a call that was tried before,
    is never put behind: both have a history that a known call could not have.
    """
    exam = queries.open_exam(occasion.verifier_id) if occasion.sits_exam else None
    if exam is not None:
        return _next_of_exam(exam, occasion) or found
    if found is None or found.promised_to_id or found.attempts or found.only_for_id:
        return found
    return _before(found, occasion) or found


def skip(task: VerificationTask) -> None:
    """A known call that was skipped does not come back, as a call that others take does not."""
    check = queries.find_check(get(Inspection, task.inspection_id))
    # One of an exam does come back: nobody passes by passing on what is hard.
    if check is not None and check.exam_id is None:
        check.is_skipped = True
        task.not_before = clock.now() + SKIPPED


def hand_over(task: VerificationTask, *, to_id: UUID) -> bool:
    """Let a colleague make a promised call that is known, as any other; it tells of nobody then.

    False for a call of an exam: nobody passes by passing on what is hard.
    """
    check = queries.find_check(get(Inspection, task.inspection_id))
    if check is None:
        return True
    if check.exam_id is not None:
        return False
    task.only_for_id = to_id
    return True


def tidy() -> int:
    """Take known calls out of the queue that their verifiers left behind; returns how many."""
    now = clock.now()
    left = queries.left_behind(skipped_before=now - SKIPPED_TIDIED, due_before=now - LEFT_BEHIND)
    for task in left:
        transition(task, TaskStatus.CANCELLED, actor=SYSTEM)
        transition(get(Inspection, task.inspection_id), InspectionStatus.CANCELLED, actor=SYSTEM)
    return len(left)


def is_test_identity(inspection: Inspection) -> bool:
    """Whether somebody agreed to be called for nothing but this: they have no rights to claim."""
    check = queries.find_check(inspection)
    return check is not None and get(GoldCase, check.case_id).origin is GoldOrigin.SEEDED


def _before(found: VerificationTask, occasion: Occasion) -> VerificationTask | None:
    """A known call like the waiting one, if it is time for one and there is a case."""
    verifier_id = occasion.verifier_id
    dice = occasion.dice(verifier_id, found.id, "gold")
    if dice >= before(gold_rate(0)):  # however little is known: nine of ten claims ask no table
        return None
    skill = find_qualification(verifier_id, vertical_id=found.vertical_id, language=found.language)
    if skill is None or dice >= before(gold_rate(queries.answered(skill))):
        return None
    if queries.was_preceded(verifier_id, task_id=found.id):
        return None
    case = _choose(skill, occasion, about=found.id)
    return None if case is None else _give(case, occasion, like=found)


def _next_of_exam(exam: Exam, occasion: Occasion) -> VerificationTask | None:
    """The call of the exam that waits, else a new one while answers are missing."""
    waiting = queries.waiting_of_exam(exam.id, now=occasion.now)
    if waiting is not None:
        return waiting
    asked = queries.calls_of_exam(exam.id)
    # An answer that says nothing is asked again with another case.
    telling = [one for one in asked if one.is_right is not None or not _is_over(one.inspection)]
    if len(telling) >= EXAM_SIZE:
        return None
    case = _choose(get(Qualification, exam.qualification_id), occasion, about=exam.id)
    return None if case is None else _give(case, occasion, exam=exam)


def _is_over(inspection: Inspection) -> bool:
    return inspection.status is not InspectionStatus.OPEN


def _choose(skill: Qualification, occasion: Occasion, *, about: UUID) -> GoldCase | None:
    """A case that the verifier never met, whose person may be called now; bad ones by the dice."""
    n, bad = queries.given(skill)
    dice = occasion.dice(occasion.verifier_id, about, f"bad {n}")
    truth = OutcomeClass.BAD if wants_bad(bad=bad, n=n, dice=dice) else OutcomeClass.GOOD
    vertical = get(Vertical, skill.vertical_id)
    found = queries.find_cases(
        skill, truth=truth, organization_id=occasion.organization_id, now=occasion.now
    )
    for case in found:
        hours = occasion.hours(vertical, time_zone=case.time_zone)
        if hours.is_open(occasion.now) and queries.hold_case(
            case.id, organization_id=occasion.organization_id
        ):
            return case
    return None


def _give(
    case: GoldCase,
    occasion: Occasion,
    *,
    like: VerificationTask | None = None,
    exam: Exam | None = None,
) -> VerificationTask:
    """Ask the case; its task has the age and the place of the call that it stands before."""
    lead = get(Lead, case.lead_id)
    if case.origin is GoldOrigin.SEEDED:
        # A test identity asks whenever it is needed: an old request would give it away.
        lead.requested_at = _requested_at(like) or occasion.now - timedelta(days=1)
    check = save(
        GoldCheck(
            case_id=case.id,
            verifier_id=occasion.verifier_id,
            organization_id=occasion.organization_id,
            exam_id=exam and exam.id,
            instead_of_id=like and like.id,
        )
    )
    inspection = save(
        Inspection(
            purpose=InspectionPurpose.GOLD,
            ref_kind=GoldCheck.KIND,
            ref_id=check.id,
            lead_id=lead.id,
            organization_id=lead.organization_id,
            vertical_id=case.vertical_id,
        )
    )
    return save(_task(case, inspection, occasion, like=like))


def _task(
    case: GoldCase, inspection: Inspection, occasion: Occasion, *, like: VerificationTask | None
) -> VerificationTask:
    task = VerificationTask(
        inspection_id=inspection.id,
        lead_id=inspection.lead_id,
        seller_id=inspection.organization_id,
        vertical_id=case.vertical_id,
        language=case.language,
        time_zone=case.time_zone,
        only_for_id=occasion.verifier_id,
        not_before=occasion.now,
        place=0,
        attempts=0,
        lease_number=0,
        draft={},
    )
    if like is not None:
        task.id, task.created_at = ids.uuid7_beside(like.id), like.created_at
        task.not_before, task.place, task.is_urgent = like.not_before, like.place, like.is_urgent
    return task


def _requested_at(like: VerificationTask | None) -> datetime | None:
    if like is None:
        return None
    return get(Lead, get(Inspection, like.inspection_id).lead_id).requested_at
