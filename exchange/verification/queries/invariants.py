"""What must hold of the spot check at any moment."""

from __future__ import annotations

from sqlalchemy import case, func, or_, select

from exchange.core.db import db
from exchange.core.invariants import invariant
from exchange.leads.models import Batch, BatchStatus
from exchange.verification.models import (
    Draw,
    DrawStatus,
    Inspection,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    TaskStatus,
    Verdict,
    VerificationTask,
)


@invariant("verification.tallies")
def samples_with_wrong_tallies() -> list[str]:
    """A decided sample's tally is the count of the inspections that it was decided by."""
    counted = [
        func.count(case((Inspection.outcome == kind, 1)))
        for kind in (OutcomeClass.GOOD, OutcomeClass.BAD, OutcomeClass.OPEN)
    ]
    held = (Sample.good, Sample.bad, Sample.unresolved)
    wrong = [have != should for have, should in zip(held, counted, strict=True)]
    found = db.session.scalars(
        select(Sample.id)
        .outerjoin(Inspection, (Inspection.ref_id == Sample.id) & Inspection.is_counted)
        .where(Sample.status != SampleStatus.OPEN)
        .group_by(Sample.id)
        .having(or_(*wrong, Sample.n != func.count(Inspection.id)))
    )
    return [
        f"sample {sample_id} publishes other counts than it was decided by" for sample_id in found
    ]


@invariant("verification.lots")
def lots_at_odds_with_their_sample() -> list[str]:
    """A lot is being sampled exactly while its sample is open."""
    is_open = Sample.status == SampleStatus.OPEN
    is_sampling = Batch.status == BatchStatus.SAMPLING
    found = db.session.scalars(
        select(Batch.id).join(Sample, Sample.batch_id == Batch.id).where(is_open != is_sampling)
    )
    return [f"batch {batch_id} and its sample disagree on being decided" for batch_id in found]


@invariant("verification.secrets")
def secrets_out_of_turn() -> list[str]:
    """A secret is in the open exactly from the draw on, and a sample has a drawn draw."""
    is_revealed = Draw.secret.is_not(None) & Draw.seed.is_not(None)
    early = db.session.scalars(
        select(Draw.id).where((Draw.status == DrawStatus.DRAWN) != is_revealed)
    )
    undrawn = db.session.scalars(
        select(Sample.id)
        .join(Draw, Draw.id == Sample.draw_id)
        .where(or_(Draw.status != DrawStatus.DRAWN, Draw.batch_id != Sample.batch_id))
    )
    return [f"draw {draw_id} shows its secret out of turn" for draw_id in early] + [
        f"sample {sample_id} has another lot's draw or none" for sample_id in undrawn
    ]


@invariant("verification.positions")
def samples_with_gaps() -> list[str]:
    """Positions run from 1 without a gap; the table keeps them from standing twice."""
    found = db.session.scalars(
        select(Inspection.ref_id)
        .where(Inspection.position.is_not(None))
        .group_by(Inspection.ref_id)
        .having(
            or_(func.min(Inspection.position) != 1, func.max(Inspection.position) != func.count())
        )
    )
    return [f"sample {sample_id} skips a position" for sample_id in found]


@invariant("verification.tasks")
def tasks_without_a_question() -> list[str]:
    """Somebody waits for, or is on, a call only while its question is open."""
    found = db.session.scalars(
        select(VerificationTask.id)
        .join(Inspection, Inspection.id == VerificationTask.inspection_id)
        .where(
            VerificationTask.status.in_((TaskStatus.QUEUED, TaskStatus.CLAIMED)),
            Inspection.status != InspectionStatus.OPEN,
        )
    )
    return [f"task {task_id} asks what is answered already" for task_id in found]


@invariant("verification.verdicts")
def verdicts_on_others_questions() -> list[str]:
    """A verdict names the lead and the seller of its inspection; the verifier is not of theirs."""
    found = db.session.scalars(
        select(Verdict.id)
        .join(Inspection, Inspection.id == Verdict.inspection_id)
        .where(
            or_(
                Verdict.seller_id != Inspection.organization_id,
                Verdict.lead_id != Inspection.lead_id,
            )
        )
    )
    return [f"verdict {verdict_id} is about another lead than was asked" for verdict_id in found]
