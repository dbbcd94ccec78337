"""Questions about sources: the evidence of their lots, the prior of a vertical, their record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict
from uuid import UUID

from sqlalchemy import bindparam, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from exchange.core.db import db
from exchange.leads.models import Batch
from exchange.verification.models import Sample, SampleStatus
from exchange.verification.reputation import (
    HOUSE,
    LOTS_REMEMBERED,
    Evidence,
    LotCount,
    Prior,
    Reputation,
    judge_seller,
    judge_source,
    weigh,
)
from exchange.verification.reputation_models import VerticalPrior

# What ends a lot's check. A lot that went on to full inspection keeps what its sample said.
DECIDED: Final = (SampleStatus.ACCEPTED, SampleStatus.REJECTED, SampleStatus.UNDECIDED)
PRIOR_AGE: Final = timedelta(days=1)  # after which a vertical's prior is worked out again
# Asked for every ping, so it is put together once.
LOTS_OF: Final = (
    select(Sample.good, Sample.bad)
    .join(Batch, Batch.id == Sample.batch_id)
    .where(
        Batch.source_id == bindparam("source_id"),
        Batch.vertical_id == bindparam("vertical_id"),
        Batch.organization_id == bindparam("seller_id"),
        Sample.status.in_(DECIDED),
    )
    .order_by(Sample.decided_at.desc(), Sample.id.desc())
    .limit(LOTS_REMEMBERED)
)


class SourceRecord(TypedDict):
    """What earlier lots of one seller, vertical and source were like: shares of bad leads."""

    mean: float
    lower: float
    upper: float
    n_effective: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What has a record of its own: the leads of one seller, vertical and source."""

    seller_id: UUID
    vertical_id: UUID
    source_id: UUID


def reputation(*, seller_id: UUID, vertical_id: UUID, source_id: UUID) -> Reputation:
    """How a seller's source stands today; without a decided lot, as its vertical's prior says."""
    lots = _lots_of(Cell(seller_id, vertical_id, source_id))
    return judge_source(lots, _prior_of(vertical_id))


def reputations(cells: Collection[Cell]) -> dict[Cell, Reputation]:
    """The same for many sources, in two queries."""
    if not cells:
        return {}
    lots = lots_by_cell(Batch.source_id.in_({cell.source_id for cell in cells}))
    priors = _priors_now({cell.vertical_id for cell in cells})
    return {
        cell: judge_source(
            [lot for _, lot in lots.get(cell, [])], priors.get(cell.vertical_id, HOUSE)
        )
        for cell in cells
    }


def source_record(*, seller_id: UUID, vertical_id: UUID, source_id: UUID) -> SourceRecord | None:
    """The record of a seller's source from all decided lots; None for one without any."""
    lots = _lots_of(Cell(seller_id, vertical_id, source_id))
    return _record(lots, _prior_of(vertical_id)) if lots else None


def reserve_bps(seller_id: UUID, vertical_id: UUID, source_id: UUID) -> int:
    """What is held back of a sale, in basis points; see `Reputation.reserve_bps`."""
    found = reputation(seller_id=seller_id, vertical_id=vertical_id, source_id=source_id)
    return found.reserve_bps


def reserve_days(seller_ids: Collection[UUID]) -> dict[UUID, int]:
    """How long each seller's reserve is kept, in days.

    A seller has one reserve, so its worst source counts, of those that had a lot lately; a seller
    without any is missing.
    """
    found = records_of_sources(Sample.organization_id.in_(seller_ids), since=None)
    days: dict[UUID, int] = {}
    for cell, standing in found.items():
        longest = days.get(cell.seller_id, 0)
        days[cell.seller_id] = max(longest, standing.reserve_days)
    return days


def sellers(*where: Any) -> dict[UUID, Reputation]:
    """How each seller stands over all sources, of lots that fit the conditions; none: missing."""
    evidence: dict[UUID, list[Evidence]] = defaultdict(list)
    for cell, lots in lots_by_cell(*where).items():
        evidence[cell.seller_id].append(weigh([lot for _, lot in lots]))
    return {seller_id: judge_seller(found) for seller_id, found in evidence.items()}


def records_before(batch_ids: Collection[UUID]) -> dict[UUID, SourceRecord | None]:
    """The record that each decided lot's source had before it, by batch; None without a lot."""
    earlier, prior = _earlier_lots(), _prior_before(Sample.decided_at)
    rows = db.session.execute(
        select(Sample.batch_id, earlier.c.good, earlier.c.bad, prior.c.mean, prior.c.strength)
        .join(Batch, Batch.id == Sample.batch_id)
        .outerjoin(earlier, true())
        .outerjoin(prior, true())
        .where(Sample.batch_id.in_(batch_ids), Sample.status.in_(DECIDED))
        .order_by(Sample.batch_id, earlier.c.decided_at.desc())
    ).all()
    lots: dict[UUID, list[LotCount]] = defaultdict(list)
    priors: dict[UUID, Prior] = {}
    for row in rows:
        priors[row.batch_id] = _prior(row.mean, row.strength)
        if row.good is not None:
            lots[row.batch_id].append(LotCount(row.good, row.bad))
    return {batch_id: _record(lots[batch_id], priors[batch_id]) for batch_id in priors}


def records_of_sources(*where: Any, since: datetime | None) -> dict[Cell, Reputation]:
    """How the sources stand today whose lots fit the conditions (over Sample and Batch).

    With `since`, only those that had a lot decided after it.
    """
    evidence = lots_by_cell(*where)
    newest = {cell: lots[0][0] for cell, lots in evidence.items()}
    priors = _priors_now({cell.vertical_id for cell in evidence})
    return {
        cell: judge_source([lot for _, lot in lots], priors.get(cell.vertical_id, HOUSE))
        for cell, lots in evidence.items()
        if since is None or newest[cell] >= since
    }


def lots_by_cell(*where: Any) -> dict[Cell, list[tuple[datetime, LotCount]]]:
    """The newest decided lots of each source, newest first, with the time of their decision."""
    cell = (Batch.organization_id, Batch.vertical_id, Batch.source_id)
    order = (Sample.decided_at.desc(), Sample.id.desc())
    numbered = (
        select(
            *cell,
            Sample.decided_at,
            Sample.good,
            Sample.bad,
            func.row_number().over(partition_by=cell, order_by=order).label("age"),
        )
        .join(Batch, Batch.id == Sample.batch_id)
        .where(Sample.status.in_(DECIDED), *where)
        .subquery()
    )
    newest = select(numbered).where(numbered.c.age <= LOTS_REMEMBERED).order_by(numbered.c.age)
    found: dict[Cell, list[tuple[datetime, LotCount]]] = defaultdict(list)
    for row in db.session.execute(newest):
        of = Cell(row.organization_id, row.vertical_id, row.source_id)
        found[of].append((row.decided_at, LotCount(row.good, row.bad)))
    return found


def verticals_without_prior(now: datetime) -> Sequence[UUID]:
    """Verticals with decided lots whose prior was never worked out, or not within a day."""
    fresh = select(VerticalPrior.id).where(
        VerticalPrior.vertical_id == Sample.vertical_id, VerticalPrior.created_at > now - PRIOR_AGE
    )
    statement = select(Sample.vertical_id).where(Sample.status.in_(DECIDED), ~fresh.exists())
    return db.session.scalars(statement.distinct()).all()


def newest_prior(vertical_id: UUID) -> VerticalPrior | None:
    """The prior of a vertical that is in force; None where the house's is."""
    statement = select(VerticalPrior).where(VerticalPrior.vertical_id == vertical_id)
    return db.session.scalar(statement.order_by(VerticalPrior.created_at.desc()).limit(1))


def _prior_of(vertical_id: UUID) -> Prior:
    known = newest_prior(vertical_id)
    return HOUSE if known is None else Prior(known.mean, known.strength)


def _lots_of(cell: Cell) -> list[LotCount]:
    """The decided lots of a source, the newest first."""
    rows = db.session.execute(LOTS_OF, asdict(cell))
    return [LotCount(row.good, row.bad) for row in rows]


def _earlier_lots() -> Any:  # Any: a lateral
    """For each sample, the lots of its cell that were decided before it."""
    sample, batch = aliased(Sample), aliased(Batch)
    return (
        select(sample.good, sample.bad, sample.decided_at)
        .join(batch, batch.id == sample.batch_id)
        .where(
            batch.source_id == Batch.source_id,
            batch.vertical_id == Batch.vertical_id,
            batch.organization_id == Batch.organization_id,
            sample.status.in_(DECIDED),
            sample.decided_at < Sample.decided_at,
        )
        .order_by(sample.decided_at.desc(), sample.id.desc())
        .limit(LOTS_REMEMBERED)
        .correlate(Sample, Batch)
        .lateral()
    )


def _prior_before(moment: Any) -> Any:  # Any: a column and a lateral
    return (
        select(VerticalPrior.mean, VerticalPrior.strength)
        .where(VerticalPrior.vertical_id == Sample.vertical_id, VerticalPrior.created_at < moment)
        .order_by(VerticalPrior.created_at.desc())
        .limit(1)
        .correlate(Sample)
        .lateral()
    )


def _priors_now(vertical_ids: Iterable[UUID]) -> dict[UUID, Prior]:
    statement = (
        select(VerticalPrior)
        .ext(distinct_on(VerticalPrior.vertical_id))
        .where(VerticalPrior.vertical_id.in_(list(vertical_ids)))
        .order_by(VerticalPrior.vertical_id, VerticalPrior.created_at.desc())
    )
    rows = db.session.scalars(statement)
    return {row.vertical_id: Prior(row.mean, row.strength) for row in rows}


def _prior(mean: float | None, strength: float | None) -> Prior:
    return HOUSE if mean is None or strength is None else Prior(mean, strength)


def _record(lots: Sequence[LotCount], prior: Prior) -> SourceRecord | None:
    if not any(lot.good + lot.bad for lot in lots):
        return None
    return _published(judge_source(lots, prior))


def _published(standing: Reputation) -> SourceRecord:
    return SourceRecord(
        mean=standing.mean,
        lower=standing.lower,
        upper=standing.upper,
        n_effective=round(standing.n_effective),
    )
