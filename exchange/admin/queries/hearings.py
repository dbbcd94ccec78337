"""The figures of the operator's charts of what was heard: callers who agree, and reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.admin.queries.quality import TAIL, UPHELD, Narrowed, since
from exchange.core.db import db
from exchange.fulfillment.models import LeadReturn
from exchange.leads.models import Batch, Lead
from exchange.verification.bounds import Bounds, clopper_pearson_bounds
from exchange.verification.models import Inspection, InspectionPurpose, OutcomeClass, Verdict

# Two hearings of one person about one question; a later attempt is no second opinion.
HEARINGS: Final = (
    *(InspectionPurpose.SAMPLE, InspectionPurpose.DOUBLE),
    *(InspectionPurpose.SOURCE, InspectionPurpose.FULL_INSPECTION),
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two callers said about the same person: counts by first and second answer."""

    counts: Mapping[tuple[OutcomeClass, OutcomeClass], int]
    bounds: Bounds | None  # 95 % of the raw agreement

    @property
    def total(self) -> int:
        """People who were heard twice."""
        return sum(self.counts.values())

    @property
    def agreed(self) -> int:
        """Of whom both callers said the same."""
        return sum(n for (first, second), n in self.counts.items() if first is second)


def agreement(narrowed: Narrowed) -> Agreement:
    """What the first and the second caller of a person said, over all callers of the house."""
    rows = db.session.execute(
        select(Verdict.lead_id, Verdict.verifier_id, Verdict.outcome)
        .join(Inspection, Inspection.id == Verdict.inspection_id)
        .join(Lead, Lead.id == Verdict.lead_id)
        .join(Batch, Batch.id == Lead.batch_id)
        .where(
            Verdict.outcome.is_not(None),
            Verdict.undone_at.is_(None),
            Verdict.created_at >= since(),
            Inspection.purpose.in_(HEARINGS),
            Verdict.lead_id.in_(_heard_twice()),
            *narrowed.of(Batch),
        )
        .order_by(Verdict.lead_id, Verdict.created_at, Verdict.id)
    ).all()
    counts = Counter(_firsts(rows))
    found = Agreement(counts, None)
    if not found.total:
        return found
    return Agreement(counts, clopper_pearson_bounds(found.agreed, drawn=found.total, tail=TAIL))


def bad_reasons(narrowed: Narrowed) -> list[tuple[str, int]]:
    """Outcome codes of people who were found bad, the most frequent first."""
    statement = (
        select(Inspection.code, func.count())
        .join(Lead, Lead.id == Inspection.lead_id)
        .join(Batch, Batch.id == Lead.batch_id)
        .where(
            Inspection.outcome == OutcomeClass.BAD,
            Inspection.purpose != InspectionPurpose.GOLD,
            Inspection.concluded_at >= since(),
            *narrowed.of(Batch),
        )
    )
    return _ranked(statement.group_by(Inspection.code))


def return_reasons(narrowed: Narrowed) -> list[tuple[str, int]]:
    """Reasons of returns that were upheld, the most frequent first."""
    statement = (
        select(LeadReturn.reason, func.count())
        .join(Lead, Lead.id == LeadReturn.lead_id)
        .join(Batch, Batch.id == Lead.batch_id)
        .where(
            LeadReturn.outcome.in_(UPHELD),
            LeadReturn.created_at >= since(),
            *narrowed.of(Batch),
        )
    )
    return _ranked(statement.group_by(LeadReturn.reason))


def _heard_twice() -> Any:  # Any: a select
    return (
        select(Verdict.lead_id)
        .where(Verdict.outcome.is_not(None), Verdict.created_at >= since())
        .group_by(Verdict.lead_id)
        .having(func.count(Verdict.verifier_id.distinct()) > 1)
    )


def _firsts(rows: Sequence[Any]) -> Iterable[tuple[OutcomeClass, OutcomeClass]]:
    """The first two answers about each person, where two callers gave them."""
    seen: set[UUID] = set()
    for first, second in pairwise(rows):
        if first.lead_id != second.lead_id or first.lead_id in seen:
            continue
        seen.add(first.lead_id)
        if first.verifier_id != second.verifier_id:
            yield first.outcome, second.outcome


def _ranked(statement: Any) -> list[tuple[str, int]]:  # Any: a select of words and counts
    rows = db.session.execute(statement).all()
    return sorted(((row[0], row[1]) for row in rows), key=lambda one: (-one[1], one[0]))
