"""Verbs of samples: call ahead, recount after every answer in draw order, decide once.

A sample that is decided never changes: late answers conclude their inspection and act on the lead,
the published tally stays what the decision was made by.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import select

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, save
from exchange.core.states import transition
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.leads.services import batches
from exchange.verification import queries
from exchange.verification.draw import FirstDrawn
from exchange.verification.inspection_models import GuaranteeRun
from exchange.verification.judging import Judgement, called_ahead, judge, upper_bound
from exchange.verification.models import (
    OF_SAMPLE,
    OF_THE_DECISION,
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    VerificationTask,
)
from exchange.verification.plans import SamplingPlan
from exchange.verification.queries.tasks import (
    HAS_OPINION,
    NOT_CALLABLE,
    ON_THE_PHONE,
    decided_with_waiting_calls,
    left_uncallable,
    uncallable,
)
from exchange.verification.services import (
    full_inspections,
    guarantees,
    inspections,
    lot_sources,
    tasks,
)

OPEN_AT_ONCE: Final = 2  # people to a look's n (decision 8)

DECISIONS = {
    SampleStatus.ACCEPTED: BatchStatus.ACCEPTED,
    SampleStatus.REJECTED: BatchStatus.REJECTED,
    SampleStatus.UNDECIDED: BatchStatus.UNDECIDED,
}


def open_sample(
    *,
    batch_id: UUID,
    draw_id: UUID,
    plan: SamplingPlan,
    drawn: FirstDrawn,
    actor: Actor,
) -> Sample:
    """Write down who was drawn, in this order of leaves, and begin to call the first of them."""
    batch = get(Batch, batch_id)
    sample = save(
        Sample(
            batch_id=batch.id,
            draw_id=draw_id,
            organization_id=batch.organization_id,
            vertical_id=batch.vertical_id,
            plan=plan.to_json(),
            reach_norm=queries.reach_norm(batch.vertical_id).to_json(),
        )
    )
    people = leads.leads_at(batch.id, {*drawn.core, *chain(*drawn.of_source.values())})
    db.session.add_all(
        _inspection(sample, people[place], position=position, leaf_index=place)
        for position, place in enumerate(drawn.core, start=1)
    )
    db.session.flush()
    lot_sources.open_checks(sample, drawn=drawn.of_source, people=people)
    return advance(sample_id=sample.id, actor=actor)


def advance(*, sample_id: UUID, actor: Actor) -> Sample:
    """Recount in draw order: decide, or call further ahead. After the decision nothing happens.

    A lot that its core accepts waits for its sources; one that it does not is decided at once.
    """
    sample = lock(Sample, sample_id)
    if sample.status is not SampleStatus.OPEN:
        return sample
    plan, drawn = SamplingPlan.from_json(sample.plan), queries.inspections_of(sample.id)
    judgement = judge(
        plan, [inspection.outcome for inspection in drawn], reach=queries.reach_of(sample, drawn)
    )
    waits = judgement.status is SampleStatus.ACCEPTED and lot_sources.are_open(sample)
    if judgement.status is not SampleStatus.OPEN and not waits:
        return _decide(sample, plan, judgement, drawn=drawn, actor=actor)
    if _call_on(sample, plan, drawn=drawn, stage=None if waits else judgement.stage, actor=actor):
        return advance(sample_id=sample_id, actor=actor)
    return sample


def cancel_undrawn(*, sample_id: UUID, actor: Actor) -> None:
    """Nobody is called for a question that is answered: drop who stands behind the deciding look.

    People inside it whose call is still open are asked on, for the record of their source; a call
    that is under way is finished in any case, and whom one verifier found bad another calls.
    """
    sample = get(Sample, sample_id)
    assert sample.stage is not None
    look = SamplingPlan.from_json(sample.plan).looks[sample.stage - 1]
    behind = [
        Inspection.ref_id == sample.id,
        Inspection.position > look,
        ~HAS_OPINION,
    ]
    inspections.drop(behind, parent=sample, actor=actor)


def settle(inspection: Inspection, *, actor: Actor) -> None:
    """What follows a concluded inspection: its sample goes on, or its lead is acted on at once."""
    if inspection.purpose is InspectionPurpose.FULL_INSPECTION:
        full_inspections.settle(inspection, actor=actor)
        return
    if inspection.purpose is InspectionPurpose.GOLD:
        return  # it asks about the verifier, not about the lead
    if inspection.purpose in OF_THE_DECISION and queries.is_sampled(inspection.lead_id):
        if inspection.purpose in OF_SAMPLE:  # what others find acts when the lot is decided
            advance(sample_id=inspection.ref_id, actor=actor)
        return
    inspections.act_on([inspection], actor=actor)
    if inspection.ref_kind == GuaranteeRun.KIND:
        guarantees.settle(inspection.ref_id, actor=actor)
    if inspection.purpose in OF_SAMPLE:
        cancel_undrawn(sample_id=inspection.ref_id, actor=actor)


def close_uncallable(*, batch_id: UUID, actor: Actor) -> None:
    """Leave open, for good, the questions about people who must not be called any more."""
    for inspection_id in uncallable(batch_id):
        _leave_open(inspection_id, actor=actor)


def close_left_behind(*, limit: int, actor: Actor = SYSTEM) -> None:
    """The same where somebody was on the phone then, and gave the call back."""
    for inspection_id in left_uncallable(limit=limit):
        _leave_open(inspection_id, actor=actor)


def cancel_leftovers(*, actor: Actor = SYSTEM) -> None:
    """Drop calls that came back into the queue after their lot was decided without them."""
    for sample_id in decided_with_waiting_calls():
        cancel_undrawn(sample_id=sample_id, actor=actor)


def _inspection(sample: Sample, lead: Lead, *, position: int, leaf_index: int) -> Inspection:
    return Inspection(
        purpose=InspectionPurpose.SAMPLE,
        ref_kind=Sample.KIND,
        ref_id=sample.id,
        lead_id=lead.id,
        organization_id=sample.organization_id,
        vertical_id=sample.vertical_id,
        position=position,
        leaf_index=leaf_index,
    )


def _call_on(
    sample: Sample,
    plan: SamplingPlan,
    *,
    drawn: Sequence[Inspection],
    stage: int | None,
    actor: Actor,
) -> bool:
    """Queue calls for the look that is awaited, and for the sources as many as decision 8 leaves.

    No stage: the core is decided, and all who are left of the sources are called. Tells whether
    somebody's answer is known without a call.
    """
    called = queries.called_of(sample.id)
    upto = called_ahead(plan, stage=stage) if stage else 0
    fresh = [i for i in drawn[sample.called_ahead : upto] if i.id not in called]
    sample.called_ahead = max(sample.called_ahead, upto)
    is_known = _ask(fresh, actor=actor)
    at_once = OPEN_AT_ONCE * plan.looks[stage - 1] if stage else None
    waiting = called | {inspection.id for inspection in fresh}
    extra = lot_sources.next_calls(sample, waiting=waiting, at_once=at_once)
    return _ask(extra, actor=actor) or is_known


def _ask(fresh: Sequence[Inspection], *, actor: Actor) -> bool:
    """Queue a call for each; tells whether an answer is known without one."""
    mine = Lead.id.in_([inspection.lead_id for inspection in fresh])
    people = {lead.id: lead for lead in db.session.scalars(select(Lead).where(mine))}
    known = [i for i in fresh if _is_known(people[i.lead_id])]
    tasks.queue((i, people[i.lead_id]) for i in fresh if i not in known)
    for inspection in known:
        _answer(inspection, people[inspection.lead_id], actor=actor)
    return bool(known)


def _is_known(lead: Lead) -> bool:
    return lead.status in NOT_CALLABLE or lead.checked_at is not None


def _answer(inspection: Inspection, lead: Lead, *, actor: Actor) -> None:
    """Who must not be called stays open; who was found good by an earlier call is good."""
    if lead.status in NOT_CALLABLE:
        inspections.conclude(
            inspection, outcome=OutcomeClass.OPEN, code=Outcome.DO_NOT_CALL, actor=actor
        )
        return
    inspections.conclude(inspection, outcome=OutcomeClass.GOOD, code=Outcome.CONFIRMED, actor=actor)
    inspection.concluded_at = lead.checked_at  # the call was then


def _decide(
    sample: Sample,
    plan: SamplingPlan,
    judgement: Judgement,
    *,
    drawn: Sequence[Inspection],
    actor: Actor,
) -> Sample:
    for inspection in drawn[: plan.looks[judgement.stage - 1]]:
        inspection.is_counted = inspection.outcome is not None
    sample.n, sample.stage = judgement.n, judgement.stage
    sample.good, sample.bad, sample.unresolved = judgement.good, judgement.bad, judgement.open
    sample.reached = judgement.reach.reached if judgement.reach else None
    sample.bad_upper = upper_bound(plan, judgement)
    sample.decided_at = clock.now()
    transition(
        sample,
        judgement.status,
        actor=actor,
        stage=judgement.stage,
        n=judgement.n,
        good=judgement.good,
        bad=judgement.bad,
        open=judgement.open,
        reached=sample.reached,
        bad_upper=sample.bad_upper,
    )
    found = [*queries.asked_for(sample.id), *queries.found_beside(sample)]
    inspections.act_on(found, actor=actor)
    lot_sources.conclude(sample, decision=judgement.status, actor=actor)
    cancel_undrawn(sample_id=sample.id, actor=actor)
    # Last, so that whoever hears of it finds the lot's leads as the check left them.
    batches.decide_batch(
        batch_id=sample.batch_id, decision=DECISIONS[judgement.status], actor=actor
    )
    return sample


def _leave_open(inspection_id: UUID, *, actor: Actor) -> None:
    inspection = get(Inspection, inspection_id)
    if inspection.purpose in OF_SAMPLE:
        sample = lock(Sample, inspection.ref_id)
        if inspection.id not in queries.called_of(sample.id):
            return  # nobody asked for them yet
    inspection = lock(Inspection, inspection_id)
    under_way = ON_THE_PHONE.where(VerificationTask.inspection_id == inspection.id)
    if inspection.status is not InspectionStatus.OPEN or db.session.scalar(under_way):
        return
    asked = [Inspection.id == inspection.id]
    tasks.cancel(inspections=asked, parent=inspection, actor=actor)
    inspections.conclude(
        inspection, outcome=OutcomeClass.OPEN, code=Outcome.DO_NOT_CALL, actor=actor
    )
    settle(inspection, actor=actor)
