"""Questions that follow from an answer: good ones that are checked twice, attempts that run on.

Both are inspections of their own, whose ref is the first one; neither changes what was published.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.catalog.definition import Terms
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get
from exchange.core.events import Ref
from exchange.core.keys import keyring
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    OutcomeClass,
    Verdict,
    VerificationTask,
)
from exchange.verification.policy import (
    DOUBLED,
    FOLLOWED,
    GO_ON,
    RETRIED,
    LocalHours,
    is_doubled,
    next_try,
)
from exchange.verification.queries.tasks import NOT_CALLABLE, calls_since, verdicts_on
from exchange.verification.services import inspections, tasks

# Soon, but not while the person has hardly hung up, nor before an undo is over.
DOUBLED_AFTER: Final = timedelta(hours=1)
# Nobody needs to know more of these lots.
OVER: Final = frozenset({BatchStatus.REJECTED, BatchStatus.WITHDRAWN})


def ask(inspection: Inspection, *, actor: Actor) -> None:
    """Ask what follows from an answer that was just given."""
    if inspection.purpose in DOUBLED and _is_chosen(inspection):
        if inspection.outcome is OutcomeClass.GOOD and len(_opinions(inspection)) == 1:
            _double(inspection, actor=actor)
        else:  # it was good until its verifier undid that
            asked = [
                Inspection.purpose == InspectionPurpose.DOUBLE,
                Inspection.ref_id == inspection.id,
            ]
            inspections.drop(asked, parent=inspection, actor=actor)
    is_tried = inspection.outcome is OutcomeClass.OPEN and inspection.code in RETRIED
    if inspection.purpose in FOLLOWED and is_tried:
        _follow_up(inspection, actor=actor)


def stop(*, batch_id: UUID, actor: Actor = SYSTEM) -> None:
    """Drop the attempts that run on of a lot about which nobody needs to know more."""
    leads = select(Lead.id).where(Lead.batch_id == batch_id)
    asked = [
        Inspection.purpose == InspectionPurpose.FOLLOW_UP,
        Inspection.lead_id.in_(leads),
    ]
    inspections.drop(asked, parent=get(Batch, batch_id), actor=actor)


def stop_if_over(inspection: Inspection, *, actor: Actor) -> None:
    """The same after an attempt that was under way when its lot was decided."""
    batch = get(Batch, get(Lead, inspection.lead_id).batch_id)
    if inspection.purpose is InspectionPurpose.FOLLOW_UP and batch.status in OVER:
        stop(batch_id=batch.id, actor=actor)


def next_attempt_at(
    inspection: Inspection, *, now: datetime, terms: Terms, hours: LocalHours
) -> datetime | None:
    """When an attempt that fails now is followed by another under the longer policy, if ever."""
    tried = [one.created_at for one in said_of(inspection) if one.code in RETRIED]
    return next_try([*tried, now], now=now, policy=terms.attempts, hours=hours)


def said_of(inspection: Inspection) -> list[Verdict]:
    """What was found so far under a question, and under the one that it goes on with."""
    before = verdicts_on(inspection.ref_id) if inspection.purpose in GO_ON else []
    return [*before, *verdicts_on(inspection.id)]


def _opinions(inspection: Inspection) -> list[Verdict]:
    return [one for one in verdicts_on(inspection.id) if one.code not in RETRIED]


def _is_chosen(inspection: Inspection) -> bool:
    digest = keyring().blind_index("verification.double", str(inspection.id))
    share = _terms(inspection).checks.double_checks_bps
    return is_doubled(digest, share_bps=share)


def _double(inspection: Inspection, *, actor: Actor) -> None:
    hours, now = _hours(inspection), clock.now()
    due = hours.ask_another_at(
        now + DOUBLED_AFTER,
        calls_today=calls_since(inspection.lead_id, since=hours.day(now + DOUBLED_AFTER)),
        per_day_max=_terms(inspection).attempts.per_day_max,
    )
    _request(inspection, InspectionPurpose.DOUBLE, due=due, actor=actor)


def _follow_up(inspection: Inspection, *, actor: Actor) -> None:
    lead = get(Lead, inspection.lead_id)
    if lead.status in NOT_CALLABLE or get(Batch, lead.batch_id).status in OVER:
        return
    tried = [one.created_at for one in verdicts_on(inspection.id) if one.code in RETRIED]
    due = next_try(
        tried, now=clock.now(), policy=_terms(inspection).attempts, hours=_hours(inspection)
    )
    if due is not None:
        _request(inspection, InspectionPurpose.FOLLOW_UP, due=due, actor=actor)


def _request(
    inspection: Inspection, purpose: InspectionPurpose, *, due: datetime, actor: Actor
) -> None:
    inspections.request_inspection(
        lead_ids=[inspection.lead_id],
        purpose=purpose,
        ref=Ref.to(inspection),
        not_before=due,
        actor=actor,
    )


def _terms(inspection: Inspection) -> Terms:
    return catalog.get_terms(get(Vertical, inspection.vertical_id))


def _hours(inspection: Inspection) -> LocalHours:
    zone = db.session.scalar(
        select(VerificationTask.time_zone)
        .where(VerificationTask.inspection_id == inspection.id)
        .limit(1)
    )
    vertical = get(Vertical, inspection.vertical_id)
    return tasks.hours_at(vertical, time_zone=zone or vertical.time_zone)
