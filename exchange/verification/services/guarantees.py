"""Verbs of the guarantee: look behind a sold lot at random, and say what that proves.

Whoever sees leads come back tells `look_behind`. The follow-up sample walks further down the lot's
own draw order among the sold leads: it needs no new randomness, and anybody with the record and
the sold leads finds the same people.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from exchange.catalog.policies import BAD_LIMIT_BPS
from exchange.catalog.scripts import Outcome
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import lock, save
from exchange.core.events import Ref
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.verification import queries
from exchange.verification.guarantee import looks_high, prove
from exchange.verification.inspection_models import FullInspection, GuaranteeRun, GuaranteeStatus
from exchange.verification.models import (
    InspectionPurpose,
    OutcomeClass,
    Sample,
    SampleStatus,
)
from exchange.verification.plans import SamplingPlan
from exchange.verification.queries import guarantees as found_by
from exchange.verification.queries import inspected
from exchange.verification.queries.tasks import NOT_CALLABLE
from exchange.verification.services import full_inspections, inspections

CHOICE_TIME: Final = timedelta(hours=24)
PROMISING: Final = (BatchStatus.ACCEPTED, BatchStatus.WITHDRAWN)


def look_behind(
    *, batch_id: UUID, sold: Collection[UUID], returned: int, actor: Actor
) -> GuaranteeRun | None:
    """Draw a follow-up sample of a lot of which many sold leads came back, once.

    As many people as the class's plan asks at most. None where nothing is promised of the lot,
    everybody was called anyway, or so many returns are no surprise.
    """
    batch = lock(Batch, batch_id)
    sample = _promising(batch)
    if sample is None or found_by.run_of(batch_id) is not None:
        return None
    plan = SamplingPlan.from_json(sample.plan)
    if not looks_high(returned, sold=len(sold), p1=plan.risks.p1):
        return None
    draw, known = queries.get_draw(batch_id), found_by.sampled(sample)
    assert draw is not None
    unchecked = found_by.in_order(draw, set(sold) - set(known))
    if not unchecked:
        return None
    run = _open_run(batch, sold=sold, returned=returned, known=known, unchecked=len(unchecked))
    run.drawn = min(len(unchecked), plan.looks[-1])
    save(run)
    events.record(
        "guarantee_run.sampling",
        subject=run,
        actor=actor,
        organization_id=batch.organization_id,
        returned=returned,
        sold=run.sold,
        drawn=run.drawn,
    )
    _ask(run, unchecked[: run.drawn], actor=actor)
    return run


def settle(run_id: UUID, *, actor: Actor) -> GuaranteeRun:
    """Decide a look behind a lot once everybody has answered or stayed open."""
    run = lock(GuaranteeRun, run_id)
    counts = found_by.answers(run.id)
    if run.status is not GuaranteeStatus.SAMPLING or counts.get(None):
        return run
    run.good, run.bad = counts.get(OutcomeClass.GOOD, 0), counts.get(OutcomeClass.BAD, 0)
    run.unresolved = counts.get(OutcomeClass.OPEN, 0)
    proven = prove(
        run.bad,
        drawn=run.drawn,
        unchecked=run.unchecked,
        known_bad=run.known_bad,
        sold=run.sold,
        limit_bps=run.limit_bps,
    )
    run.lower, run.estimate, run.decided_at = proven.lower, proven.estimate, clock.now()
    if proven.exceeds:
        run.choose_by = run.decided_at + CHOICE_TIME
    transition(
        run,
        GuaranteeStatus.TRIGGERED if proven.exceeds else GuaranteeStatus.CLEARED,
        actor=actor,
        organization_id=run.organization_id,
        bad=run.bad,
        drawn=run.drawn,
        lower=proven.lower,
    )
    return run


def inspect(*, batch_id: UUID, agreed: Money | None = None, actor: Actor) -> FullInspection:
    """Start the full inspection that a seller chose, with what hangs on it.

    Where the guarantee was triggered everybody is called, sold or not, and each bad one refunded;
    else as `full_inspections.start`, which says what is raised.
    """
    run = found_by.run_of(batch_id)
    is_owed = run is not None and run.status is GuaranteeStatus.TRIGGERED
    started = full_inspections.start(
        batch_id=batch_id, agreed=agreed, is_whole=True if is_owed else None, actor=actor
    )
    if run is not None and is_owed:
        run = lock(GuaranteeRun, run.id)
        if run.status is not GuaranteeStatus.INSPECTION:  # a second click finds it chosen
            transition(run, GuaranteeStatus.INSPECTION, actor=actor)
    return started


def _promising(batch: Batch) -> Sample | None:
    """The sample by which the lot was accepted into a class that promises something.

    Taking the lot back takes back no promise of what was sold.
    """
    sample = queries.find_sample(batch.id)
    is_promised = batch.quality_class in BAD_LIMIT_BPS and batch.status in PROMISING
    if sample is None or sample.status is not SampleStatus.ACCEPTED or not is_promised:
        return None
    return None if batch.id in inspected.concluded([batch.id]) else sample


def _open_run(
    batch: Batch,
    *,
    sold: Collection[UUID],
    returned: int,
    known: dict[UUID, OutcomeClass],
    unchecked: int,
) -> GuaranteeRun:
    known_bad = sum(known.get(lead_id) is OutcomeClass.BAD for lead_id in sold)
    return GuaranteeRun(
        batch_id=batch.id,
        organization_id=batch.organization_id,
        returned=returned,
        sold=len(sold),
        known_bad=known_bad,
        unchecked=unchecked,
        limit_bps=BAD_LIMIT_BPS[batch.quality_class],
    )


def _ask(run: GuaranteeRun, people: Sequence[Lead], *, actor: Actor) -> None:
    """Have them called; whoever a check has judged before is known, at random as the others."""
    questions = inspections.request_inspection(
        lead_ids=[lead.id for lead in people],
        purpose=InspectionPurpose.GUARANTEE,
        ref=Ref.to(run),
        actor=actor,
    )
    by_lead = {lead.id: lead for lead in people}
    for question in questions:
        lead = by_lead[question.lead_id]
        known = queries.known_outcome(lead.id)
        if lead.status in NOT_CALLABLE:
            known = (OutcomeClass.OPEN, Outcome.DO_NOT_CALL.value)
        if known is not None and (known[0] is not OutcomeClass.OPEN or lead.status in NOT_CALLABLE):
            inspections.withdraw_call(question, actor=actor)
            inspections.conclude(question, outcome=known[0], code=Outcome(known[1]), actor=actor)
    settle(run.id, actor=actor)
