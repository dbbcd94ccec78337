"""Questions about full inspections: what one would call and cost, how far one is, what it found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core.db import db, get
from exchange.core.invariants import invariant
from exchange.core.money import Money
from exchange.leads.models import Batch, BatchStatus, Lead, LeadStatus
from exchange.verification.inspection_models import (
    FullInspection,
    FullInspectionStatus,
    GuaranteeRun,
    GuaranteeStatus,
)
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Verdict,
)
from exchange.verification.queries.tasks import ON_THE_PHONE

# A lot in one of these states goes through it as a whole and is decided anew.
WHOLE: Final = (BatchStatus.REJECTED, BatchStatus.UNDECIDED)
STARTED_FROM: Final = frozenset({*WHOLE, BatchStatus.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a full inspection of a lot would be."""

    people: int
    price: Money  # of one answer
    is_whole: bool  # of the lot; else of what was set aside while the rest is on sale

    @property
    def total(self) -> Money:
        """What is held before it starts."""
        return Money(self.price.amount * self.people, self.price.currency)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a full inspection is."""

    inspection: FullInspection
    answered: int

    @property
    def left(self) -> int:
        """People who are still to be called."""
        return self.inspection.asked - self.answered


def estimate(batch: Batch) -> Estimate:
    """Whom a full inspection of this lot would call now, and what it would cost."""
    is_whole = is_about_all(batch)
    people = db.session.scalar(
        select(func.count()).select_from(Lead).where(*to_inspect(batch, is_whole=is_whole))
    )
    price = catalog.get_definition(get(Vertical, batch.vertical_id)).inspection_price
    return Estimate(people or 0, price, is_whole)


def is_about_all(batch: Batch) -> bool:
    """Whether it would be about the whole lot: its check, or the guarantee, asks for it."""
    triggered = select(GuaranteeRun.id).where(
        GuaranteeRun.batch_id == batch.id, GuaranteeRun.status == GuaranteeStatus.TRIGGERED
    )
    return batch.status in WHOLE or db.session.scalar(triggered) is not None


def to_inspect(batch: Batch, *, is_whole: bool) -> list[ColumnElement[bool]]:
    """Conditions on leads: of this lot, may be called, and nobody has given an answer yet.

    What a sample found carries over. Leads that were set aside, with their source or because they
    came a second time, are always among them; leads on sale only where the whole lot is meant.
    """
    unsold = or_(Lead.is_stopped.is_(True), Lead.sold == 0)  # a returned lead is never sold again
    aside = or_(
        Lead.status == LeadStatus.IN_REVIEW,
        and_(Lead.status == LeadStatus.QUARANTINED, unsold),
    )
    wanted = or_(Lead.status == LeadStatus.VALID, aside) if is_whole else aside
    known = or_(Lead.failed_at.is_not(None), _is_answered())
    return [Lead.batch_id == batch.id, Lead.in_frame.is_(True), wanted, ~known]


def _is_answered() -> ColumnElement[bool]:
    """Whether a check of the lead found it good or bad."""
    return (
        select(Inspection.id)
        .where(
            Inspection.lead_id == Lead.id,
            Inspection.purpose != InspectionPurpose.GOLD,
            Inspection.outcome.in_((OutcomeClass.GOOD, OutcomeClass.BAD)),
        )
        .correlate(Lead)
        .exists()
    )


def running(batch_id: UUID) -> FullInspection | None:
    """The full inspection that a lot is in."""
    return db.session.scalar(
        select(FullInspection).where(
            FullInspection.batch_id == batch_id,
            FullInspection.status == FullInspectionStatus.RUNNING,
        )
    )


def standing(batch_id: UUID) -> Standing | None:
    """How far the full inspection of a lot is that runs now."""
    found = running(batch_id)
    if found is None:
        return None
    done = select(func.count()).where(
        Inspection.ref_id == found.id, Inspection.status != InspectionStatus.OPEN
    )
    return Standing(found, db.session.scalar(done) or 0)


def concluded(batch_ids: Collection[UUID]) -> dict[UUID, FullInspection]:
    """By lot, the last full inspection of the whole of it that came to its end."""
    rows = db.session.scalars(
        select(FullInspection)
        .where(
            FullInspection.batch_id.in_(batch_ids),
            FullInspection.status == FullInspectionStatus.CONCLUDED,
            FullInspection.is_whole,
        )
        .order_by(FullInspection.batch_id, FullInspection.created_at.desc())
        .ext(distinct_on(FullInspection.batch_id))
    )
    return {found.batch_id: found for found in rows}


def waiting(inspection_id: UUID, *, upto: int) -> int:
    """How many people of a full inspection have a call that is not answered."""
    return (
        db.session.scalar(
            select(func.count()).where(*_open_of(inspection_id), Inspection.position <= upto)
        )
        or 0
    )


def to_go_on(*, limit: int) -> Sequence[UUID]:
    """Full inspections that run, for the sweep."""
    return db.session.scalars(
        select(FullInspection.id)
        .where(FullInspection.status == FullInspectionStatus.RUNNING)
        .order_by(FullInspection.id)
        .limit(limit)
    ).all()


def stopped_with_open_calls() -> Sequence[UUID]:
    """Stopped full inspections with a question that is open and that nobody is on the phone for."""
    return db.session.scalars(
        select(FullInspection.id)
        .join(Inspection, Inspection.ref_id == FullInspection.id)
        .where(
            FullInspection.status == FullInspectionStatus.STOPPED,
            Inspection.status == InspectionStatus.OPEN,
            Inspection.purpose == InspectionPurpose.FULL_INSPECTION,
            Inspection.id.not_in(ON_THE_PHONE),
        )
        .distinct()
    ).all()


def unanswered(inspection_id: UUID) -> Sequence[UUID]:
    """Questions of a full inspection that ended without an answer to pay for."""
    ended = or_(
        Inspection.status == InspectionStatus.CANCELLED,
        (Inspection.status == InspectionStatus.CONCLUDED) & ~_was_called(),
    )
    return db.session.scalars(
        select(Inspection.id).where(Inspection.ref_id == inspection_id, ended)
    ).all()


def _was_called() -> ColumnElement[bool]:
    return (
        select(Verdict.id)
        .where(Verdict.inspection_id == Inspection.id, Verdict.undone_at.is_(None))
        .correlate(Inspection)
        .exists()
    )


def tally(found: FullInspection) -> dict[OutcomeClass, int]:
    """What was found, each lead by its best known answer: of the whole lot, or of who was asked.

    Good or bad outweighs open, and a later answer an earlier one. Nobody who was not asked counts.
    """
    asked = Inspection.ref_id == found.id
    if found.is_whole:
        asked = (Lead.batch_id == found.batch_id) & (Inspection.purpose != InspectionPurpose.GOLD)
    is_open = case((Inspection.outcome == OutcomeClass.OPEN, 1), else_=0)
    last = (
        select(Inspection.lead_id, Inspection.outcome)
        .join(Lead, Lead.id == Inspection.lead_id)
        .where(asked, Inspection.status == InspectionStatus.CONCLUDED)
        .order_by(Inspection.lead_id, is_open, Inspection.concluded_at.desc())
        .ext(distinct_on(Inspection.lead_id))
        .subquery()
    )
    rows = db.session.execute(select(last.c.outcome, func.count()).group_by(last.c.outcome))
    return {**dict.fromkeys(OutcomeClass, 0), **{row[0]: row[1] for row in rows}}


def _open_of(inspection_id: UUID) -> list[ColumnElement[bool]]:
    return [
        Inspection.ref_id == inspection_id,
        Inspection.purpose == InspectionPurpose.FULL_INSPECTION,
        Inspection.status == InspectionStatus.OPEN,
    ]


@invariant("verification.full_inspections")
def lots_at_odds_with_their_inspection() -> list[str]:
    """A lot in full inspection has one that runs for the whole of it, and no other lot has."""
    runs = FullInspection.status == FullInspectionStatus.RUNNING
    found = db.session.scalars(
        select(Batch.id)
        .outerjoin(
            FullInspection, (FullInspection.batch_id == Batch.id) & runs & FullInspection.is_whole
        )
        .where((Batch.status == BatchStatus.IN_FULL_INSPECTION) != FullInspection.id.is_not(None))
    )
    return [f"batch {batch_id} and its full inspection disagree" for batch_id in found]


# The sum of a full inspection's active holds is its price times the people still to be called,
# with those who were taken off the lists before a call: they are given back at its end.
HELD: Final = """
SELECT i.id FROM inspection AS i
JOIN full_inspection AS f ON f.id = i.ref_id
LEFT JOIN hold AS h ON h.subject_kind = 'inspection' AND h.subject_id = i.id
  AND h.status = 'active' AND h.amount_amount = f.price_amount
WHERE i.purpose = 'full_inspection' AND (h.id IS NOT NULL) <> (
  i.status = 'open' OR (f.status = 'running' AND (i.status = 'cancelled' OR NOT EXISTS (
    SELECT FROM verdict AS v WHERE v.inspection_id = i.id AND v.undone_at IS NULL
  )))
)
"""


@invariant("verification.inspection_money")
def inspections_without_their_money() -> list[str]:
    """What is held for a full inspection is its price times the people still to be called."""
    found = db.session.scalars(text(HELD))
    return [f"inspection {number} and what is held for it disagree" for number in found]
