"""Verbs of verdicts: one call, one verdict, and what follows from it at once.

A verdict is never changed. An undo marks it within half a minute, while nothing was decided by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from exchange.catalog import queries as catalog
from exchange.catalog.calling import AttemptsPolicy
from exchange.catalog.definition import Terms
from exchange.catalog.models import Vertical
from exchange.catalog.scripts import Outcome, Right
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict
from exchange.core.events import Ref
from exchange.core.states import transition
from exchange.leads.services import suppression
from exchange.verification.models import (
    OF_SAMPLE,
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.policy import (
    CONFIRMED_BY_ANOTHER,
    GO_ON,
    RETRIED,
    LocalHours,
    Move,
    Step,
    is_last_attempt,
    next_step,
    next_try,
)
from exchange.verification.queries.tasks import (
    UNDO_TIME,
    calls_since,
    find_verdict,
    get_verdict,
    verdicts_on,
)
from exchange.verification.services import (
    further,
    gold,
    inspections,
    oversight,
    pay,
    samples,
    tasks,
)
from exchange.verification.services.reports import RIGHT, Found, require_sense, seconds_of


def submit(
    *,
    task_id: UUID,
    lease_number: int,
    code: Outcome,
    note: str = "",
    corrections: Mapping[str, str] | None = None,
    answers: Mapping[str, str] | None = None,
    callback_at: datetime | None = None,
    sure: bool = False,
    actor: Actor,
) -> Verdict:
    """Report a call. The same lease reports once: a repeat gives the first verdict again.

    Raises NotFound for somebody else's task, Conflict `lease_over`, Invalid with every field that
    is wrong; with `too_fast` at /sure for a talk that took less than five seconds, unless `sure`.
    """
    given = find_verdict(task_id, lease_number=lease_number)
    if given is not None and given.verifier_id == tasks.verifier_of(actor):
        return given
    task = tasks.require_lease(task_id=task_id, lease_number=lease_number, actor=actor)
    found = Found(code, note.strip(), corrections or {}, answers or {}, callback_at)
    require_sense(task, found, sure=sure)
    inspection = _lock_question(task.inspection_id)
    step = _step(task, inspection, found)
    verdict = _write(task, inspection, found, step=step, actor=actor)
    _follow(task, inspection, found, step=step, actor=actor)
    _respect(inspection, found, actor=actor)
    is_live = clock.instance_kind() is clock.InstanceKind.LIVE
    oversight.after_verdict(verdict, task, people_are_called=is_live)
    pay.earn(verdict, task)
    return verdict


def undo(*, verdict_id: UUID, actor: Actor) -> VerificationTask:
    """Take one's own verdict back and hold the call again, with what was reported as a draft.

    Raises NotFound, and Conflict with the reason: `undo_late` after thirty seconds, `undo_taken`
    when the call went on, `undo_decided` when something was decided by it.
    """
    verifier_id = tasks.verifier_of(actor)
    verdict = get_verdict(verdict_id, viewer=verifier_id)
    task = lock(VerificationTask, verdict.task_id)
    inspection = _lock_question(task.inspection_id)
    verdict = lock(Verdict, verdict.id)
    _require_undoable(verdict, task, inspection)
    if inspection.status is InspectionStatus.CONCLUDED:
        inspections.reopen(inspection, actor=actor)
    verdict.undone_at = clock.now()
    db.session.flush()
    task.attempts = len(_attempts(verdicts_on(inspection.id)))  # its own: a follow-up begins anew
    tasks.take_back(task, draft=_draft_of(verdict), actor=actor)
    events.record("verdict.undone", subject=verdict, actor=actor, code=verdict.code)
    pay.take_back(verdict)
    return task


def _lock_question(inspection_id: UUID) -> Inspection:
    """The inspection, behind the lock of its sample: the same order everywhere."""
    inspection = get(Inspection, inspection_id)
    if inspection.purpose in OF_SAMPLE:
        lock(Sample, inspection.ref_id)
    return lock(Inspection, inspection_id)


def _step(task: VerificationTask, inspection: Inspection, found: Found) -> Step:
    said = further.said_of(inspection)
    judged = [v.outcome for v in said if v.outcome is not None and v.code not in RETRIED]
    step = next_step(
        found.code,
        earlier=judged,
        verdicts_needed=inspection.verdicts_needed,
        confirms_bad=inspection.purpose in CONFIRMED_BY_ANOTHER,
        is_last_attempt=found.code in RETRIED and _is_last(task, inspection, said),
    )
    is_alone = inspection.purpose is InspectionPurpose.GOLD  # a known answer is asked of one person
    if is_alone and step.move is Move.ASK_ANOTHER:
        return Step(Move.CONCLUDE, step.outcome, step.outcome)
    return step


def _is_last(task: VerificationTask, inspection: Inspection, said: Sequence[Verdict]) -> bool:
    now, hours, attempts = clock.now(), _hours(task), _attempts(said)
    if inspection.purpose is InspectionPurpose.FOLLOW_UP:
        due = further.next_attempt_at(inspection, now=now, terms=_terms(task), hours=hours)
        return due is None
    first_at = attempts[0].created_at if attempts else now
    return is_last_attempt(
        len(attempts) + 1,
        first_at=first_at,
        now=now,
        policy=_policy(task),
        hours=hours,
        confirms=_is_judged(said),
    )


def _is_judged(said: Sequence[Verdict]) -> bool:
    """Whether somebody judged before, so that the call confirms or contradicts."""
    return any(one.code not in RETRIED for one in said)


def _attempts(said: Sequence[Verdict]) -> list[Verdict]:
    """Calls that reached nobody since somebody judged: whoever is asked next begins anew."""
    judged = [number for number, one in enumerate(said, 1) if one.code not in RETRIED]
    return list(said[judged[-1] if judged else 0 :])


def _write(
    task: VerificationTask, inspection: Inspection, found: Found, *, step: Step, actor: Actor
) -> Verdict:
    assert actor.organization_id is not None
    return save(
        Verdict(
            task_id=task.id,
            lease_number=task.lease_number,
            inspection_id=inspection.id,
            lead_id=inspection.lead_id,
            verifier_id=tasks.verifier_of(actor),
            organization_id=actor.organization_id,
            seller_id=inspection.organization_id,
            code=found.code.value,
            outcome=step.outcome,
            note=found.note,
            corrections=dict(found.corrections),
            answers=dict(found.answers),
            seconds=seconds_of(task),
        )
    )


def _follow(
    task: VerificationTask, inspection: Inspection, found: Found, *, step: Step, actor: Actor
) -> None:
    if step.answer is not None:
        task.lease_until = None
        task.draft = {}
        transition(task, TaskStatus.SUBMITTED, actor=actor)
        # Where three people disagree, what the last of them found is not the answer.
        code = found.code if step.answer is step.outcome else Outcome.CANNOT_JUDGE
        inspections.conclude(inspection, outcome=step.answer, code=code, actor=actor)
        samples.settle(inspection, actor=actor)
        further.ask(inspection, actor=actor)
        return
    if step.move is Move.TRY_AGAIN:
        task.attempts += 1
        _try_again(task, inspection, found, actor=actor)
    else:
        _ask_another(task, actor=actor)
    further.stop_if_over(inspection, actor=actor)
    if inspection.purpose in OF_SAMPLE and _is_decided(inspection):
        samples.cancel_undrawn(sample_id=inspection.ref_id, actor=actor)


def _try_again(
    task: VerificationTask, inspection: Inspection, found: Found, *, actor: Actor
) -> None:
    hours, now = _hours(task), clock.now()
    if found.callback_at is not None and found.code is Outcome.CALL_BACK:
        due = hours.next_open(found.callback_at) or found.callback_at
        promised_to = tasks.verifier_of(actor)
        tasks.requeue(task, not_before=due, promised_to=promised_to, actor=actor)
        return
    today = calls_since(task.lead_id, since=hours.day(now))
    said = further.said_of(inspection)
    due = hours.retry_at(
        now,
        calls_today=today,
        per_day_max=_policy(task).per_day_max,
        confirms=_is_judged(said),
    )
    if inspection.purpose is InspectionPurpose.FOLLOW_UP:
        # The verdict on this attempt stands already, with the time of this unit of work.
        tried = [v.created_at for v in said if v.code in RETRIED]
        due = next_try(tried, now=now, policy=_policy(task), hours=hours) or due
    tasks.requeue(task, not_before=due, promised_to=None, actor=actor)


def _ask_another(task: VerificationTask, *, actor: Actor) -> None:
    """Have somebody else call, who sees nothing of what was found or how often it was tried."""
    hours, now = _hours(task), clock.now()
    today = calls_since(task.lead_id, since=hours.day(now))
    due = hours.ask_another_at(now, calls_today=today, per_day_max=_policy(task).per_day_max)
    task.attempts = 0
    tasks.requeue(task, not_before=due, promised_to=None, actor=actor)


def _respect(inspection: Inspection, found: Found, *, actor: Actor) -> None:
    """Do not call means never again, at once; erasure is for the operator to carry out."""
    if gold.is_test_identity(inspection):
        return
    right = found.answers.get(RIGHT)
    if right == Right.ERASURE:
        subject = Ref("lead", inspection.lead_id)
        events.record("erasure.requested", subject=subject, actor=actor, by="phone")
    if right or found.code is Outcome.DO_NOT_CALL:
        suppression.suppress_person(
            lead_id=inspection.lead_id, origin=right or found.code.value, actor=actor
        )


def forget(*, lead_ids: Collection[UUID]) -> None:
    """Drop what was written down of people who were erased; outcomes and times stay."""
    mine = Verdict.lead_id.in_(lead_ids)
    db.session.execute(update(Verdict).where(mine).values(note="", corrections={}))
    asked = select(Inspection.id).where(Inspection.lead_id.in_(lead_ids))
    tasks_of = VerificationTask.inspection_id.in_(asked)
    db.session.execute(update(VerificationTask).where(tasks_of).values(draft={}))


def _require_undoable(verdict: Verdict, task: VerificationTask, inspection: Inspection) -> None:
    if clock.after_lock() - verdict.created_at > UNDO_TIME:
        raise Conflict("A verdict can be undone for thirty seconds.", code="undo_late")
    is_free = task.status in {TaskStatus.QUEUED, TaskStatus.SUBMITTED}
    if verdict.undone_at or not is_free or task.lease_number != verdict.lease_number:
        raise Conflict("The call went on meanwhile.", code="undo_taken")
    reason = _what_was_decided(verdict, inspection)
    if reason:
        raise Conflict(reason, code="undo_decided")


def _what_was_decided(verdict: Verdict, inspection: Inspection) -> str:
    """Why a verdict can no longer be taken back; empty where nothing hangs on it yet."""
    if verdict.code == Outcome.DO_NOT_CALL or RIGHT in verdict.answers:
        return "The person was taken off every list at once."
    if inspection.status is InspectionStatus.OPEN or inspection.purpose is InspectionPurpose.GOLD:
        return ""
    if inspection.purpose in GO_ON and inspection.outcome is not OutcomeClass.BAD:
        return ""  # as after any other call: who calls must not know what it is for
    if inspection.purpose not in OF_SAMPLE:
        return "Somebody waited for this answer and has acted on it."
    return "The lot was decided meanwhile." if _is_decided(inspection) else ""


def _is_decided(inspection: Inspection) -> bool:
    return get(Sample, inspection.ref_id).status is not SampleStatus.OPEN


def _draft_of(verdict: Verdict) -> dict[str, Any]:  # Any: JSON values
    return Found(Outcome(verdict.code), verdict.note, verdict.corrections, verdict.answers).draft()


def _terms(task: VerificationTask) -> Terms:
    return catalog.get_terms(get(Vertical, task.vertical_id))


def _policy(task: VerificationTask) -> AttemptsPolicy:
    return _terms(task).attempts


def _hours(task: VerificationTask) -> LocalHours:
    return tasks.hours_at(get(Vertical, task.vertical_id), time_zone=task.time_zone)
