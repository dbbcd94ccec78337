"""Verbs of training and exam: practice first, then known calls in a row, then the right to call.

The exam is of the same calls, on the same pages, as any later day's work.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict, NotFound
from exchange.core.events import Ref
from exchange.core.states import transition
from exchange.verification.gold_models import Exam, ExamStatus
from exchange.verification.queries import gold as queries
from exchange.verification.queries.tasks import UNDO_TIME
from exchange.verification.sampling import Decision
from exchange.verification.services import pay, qualifications
from exchange.verification.worker_models import Qualification, QualificationStatus
from exchange.verification.workers import (
    EXAM_SIZE,
    PRACTICE_SIZE,
    RETAKE_AFTER,
    judge_exam,
)


def practise(*, qualification_id: UUID, number: int, verifier_id: UUID) -> Qualification:
    """Note that a practice task was answered; they come in order, a repeat counts once."""
    skill = _own(qualification_id, verifier_id=verifier_id)
    if number == skill.practised + 1:
        skill.practised = number
        db.session.flush()
    return skill


def begin(*, qualification_id: UUID, verifier_id: UUID, actor: Actor) -> Exam:
    """Begin the exam, or go on with the one that was begun.

    Raises Conflict with the reason: `not_learning`, `practise_first`, `retake_later` and
    `other_exam`.
    """
    skill = _own(qualification_id, verifier_id=verifier_id)
    running = queries.open_exam(verifier_id)
    if running is not None and running.qualification_id == skill.id:
        return running
    _require_ready(skill, running)
    assert actor.organization_id is not None
    exam = save(
        Exam(
            qualification_id=skill.id,
            verifier_id=verifier_id,
            organization_id=actor.organization_id,
        )
    )
    events.record("exam.begun", subject=exam, actor=actor, qualification_id=str(skill.id))
    return exam


def decide_due() -> int:
    """Decide the exams of which every answer is given and can no longer be undone."""
    return sum(_decide(exam_id) for exam_id in queries.open_exams())


def retake_at(skill: Qualification) -> datetime | None:
    """When the exam may be taken again; None where nothing was failed lately."""
    last = queries.last_exam(skill.id)
    if last is None or last.status is not ExamStatus.FAILED or last.decided_at is None:
        return None
    moment = last.decided_at + RETAKE_AFTER
    return moment if moment > clock.now() else None


def _decide(exam_id: UUID) -> bool:
    exam = lock(Exam, exam_id)
    told = [one for one in queries.calls_of_exam(exam.id) if one.is_right is not None]
    decision = judge_exam([one.is_right is False for one in told])
    if exam.status is not ExamStatus.OPEN or decision is Decision.CONTINUE:
        return False
    answered = [one.inspection.concluded_at for one in told if one.inspection.concluded_at]
    now = clock.after_lock()
    if max(answered) + UNDO_TIME >= now:
        return False
    exam.errors = sum(one.is_right is False for one in told)
    exam.decided_at = now
    skill = get(Qualification, exam.qualification_id)
    if decision is Decision.ACCEPT:
        transition(exam, ExamStatus.PASSED, actor=SYSTEM, calls=EXAM_SIZE)
        qualifications.grant(
            verifier_id=skill.verifier_id,
            vertical_id=skill.vertical_id,
            language=skill.language,
            actor=SYSTEM,
        )
        pay.earn_training(
            ref=Ref.to(exam),
            organization_id=exam.organization_id,
            verifier_id=exam.verifier_id,
            vertical_id=skill.vertical_id,
            calls=EXAM_SIZE,
        )
    else:
        transition(exam, ExamStatus.FAILED, actor=SYSTEM, errors=exam.errors)
    return True


def _require_ready(skill: Qualification, running: Exam | None) -> None:
    if skill.status is not QualificationStatus.LEARNING:
        raise Conflict("There is no exam to take for this.", code="not_learning")
    if skill.practised < PRACTICE_SIZE:
        raise Conflict("Do all ten practice tasks first.", code="practise_first")
    if retake_at(skill) is not None:
        raise Conflict("The exam can be taken again later.", code="retake_later")
    if running is not None:
        raise Conflict("You sit another exam. Finish that one first.", code="other_exam")


def _own(qualification_id: UUID, *, verifier_id: UUID) -> Qualification:
    skill = lock(Qualification, qualification_id)
    if skill.verifier_id != verifier_id:
        raise NotFound
    return skill
