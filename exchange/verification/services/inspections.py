"""Verbs of inspections: one question about one lead, asked for a purpose, concluded once.

Whoever asks hears `inspection.concluded` with purpose, ref, lead, outcome and code. What a sample
finds acts on its leads at the decision, so that a seller cannot watch the count; what any other
check finds acts at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import Record, db, save
from exchange.core.errors import NotFound
from exchange.core.events import Ref
from exchange.core.states import transition, transition_all
from exchange.identity import queries as identity
from exchange.leads.models import Lead
from exchange.leads.services import batches
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
)
from exchange.verification.queries.tasks import ON_THE_PHONE
from exchange.verification.services import tasks

FAILED_CHECK: Final = "failed_check"


def request_inspection(
    *,
    lead_ids: Sequence[UUID],
    purpose: InspectionPurpose,
    ref: Ref,
    actor: Actor,
    verdicts_needed: int = 1,
    due_at: datetime | None = None,
    not_before: datetime | None = None,
) -> list[Inspection]:
    """Have these leads called; asking again for the same purpose and ref gives the same answer.

    With `due_at` it is urgent; with `not_before` nobody calls earlier.
    Raises NotFound for a lead that does not exist.
    """
    assert actor.id is not None or actor.kind == "system"
    known = _asked_before(lead_ids, purpose=purpose, ref=ref)
    found = {
        lead.id: lead for lead in db.session.scalars(select(Lead).where(Lead.id.in_(lead_ids)))
    }
    for lead_id in lead_ids:
        if lead_id in known:
            continue
        lead = found.get(lead_id)
        if lead is None:
            raise NotFound
        inspection = save(
            Inspection(
                purpose=purpose,
                ref_kind=ref.kind,
                ref_id=ref.id,
                lead_id=lead.id,
                organization_id=lead.organization_id,
                vertical_id=lead.vertical_id,
                verdicts_needed=verdicts_needed,
                due_at=due_at,
            )
        )
        tasks.queue([(inspection, lead)], is_urgent=due_at is not None, not_before=not_before)
        known[lead_id] = inspection
    return [known[lead_id] for lead_id in lead_ids]


def conclude(inspection: Inspection, *, outcome: OutcomeClass, code: Outcome, actor: Actor) -> None:
    """Write down the answer and tell who asked. Raises IllegalTransition for a second answer."""
    inspection.outcome = outcome
    inspection.code = code.value
    inspection.concluded_at = clock.now()
    transition(inspection, InspectionStatus.CONCLUDED, actor=actor, **_facts(inspection, actor))


def withdraw_call(inspection: Inspection, *, actor: Actor) -> None:
    """Take the waiting call of a question out of the queue: its answer is known otherwise."""
    tasks.cancel(inspections=[Inspection.id == inspection.id], parent=inspection, actor=actor)


def drop(which: Sequence[ColumnElement[bool]], *, parent: Record, actor: Actor) -> None:
    """Cancel open questions and their waiting calls; those on the phone are finished."""
    waiting = [*which, Inspection.status == InspectionStatus.OPEN]
    tasks.cancel(inspections=waiting, parent=parent, actor=actor)
    transition_all(
        Inspection,
        where=[*waiting, Inspection.id.not_in(ON_THE_PHONE)],
        to=InspectionStatus.CANCELLED,
        parent=parent,
        actor=actor,
    )


def reopen(inspection: Inspection, *, actor: Actor) -> None:
    """Take a conclusion back, for an undo; the caller knows that nothing was decided by it."""
    facts = _facts(inspection, actor)
    inspection.outcome = inspection.code = inspection.concluded_at = None
    transition(inspection, InspectionStatus.OPEN, actor=actor, **facts)


def act_on(found: Iterable[Inspection], *, actor: Actor) -> None:
    """Mark good leads as called by us and take bad ones out of sale."""
    good: defaultdict[datetime, list[UUID]] = defaultdict(list)
    bad = []
    for inspection in found:
        if inspection.outcome is OutcomeClass.GOOD and inspection.concluded_at:
            good[inspection.concluded_at].append(inspection.lead_id)
        elif inspection.outcome is OutcomeClass.BAD:
            bad.append(inspection.lead_id)
    for called_at, lead_ids in sorted(good.items()):
        batches.mark_checked(lead_ids=lead_ids, at=called_at, actor=actor)
    if bad:
        batches.quarantine_leads(lead_ids=bad, reason=FAILED_CHECK, actor=actor)


def _asked_before(
    lead_ids: Sequence[UUID], *, purpose: InspectionPurpose, ref: Ref
) -> dict[UUID, Inspection]:
    statement = select(Inspection).where(
        Inspection.purpose == purpose,
        Inspection.ref_id == ref.id,
        Inspection.lead_id.in_(lead_ids),
    )
    return {inspection.lead_id: inspection for inspection in db.session.scalars(statement)}


def _facts(inspection: Inspection, actor: Actor) -> dict[str, Any]:  # Any: facts of an event
    """What listeners need.

    The event is the house's own: sellers must not count along, and verifiers must not read what a
    call was for.
    """
    with db.session.no_autoflush:  # the change is written whole, with its status
        house = identity.operator()
    return {
        "organization_id": house.id if house else actor.organization_id,
        "purpose": inspection.purpose.value,
        "ref_kind": inspection.ref_kind,
        "ref_id": str(inspection.ref_id),
        "lead_id": str(inspection.lead_id),
        "outcome": inspection.outcome and inspection.outcome.value,
        "code": inspection.code,
    }
