"""The figures of the operator's charts of quality: lots on a control chart, and sources.

All of the last 90 days, narrowed to a vertical or a source; each is one or two questions, and
none of them names a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select

from exchange.core import clock
from exchange.core.db import db
from exchange.fulfillment.models import LeadReturn, ReturnOutcome
from exchange.identity.models import Organization
from exchange.leads.models import Batch, Lead, Source
from exchange.market.models import LineStatus, OrderLine
from exchange.verification import queries as verification
from exchange.verification.bounds import Bounds, clopper_pearson_bounds
from exchange.verification.control import DIVERGED_BELOW, Limits, difference, limits
from exchange.verification.models import Sample
from exchange.verification.queries import Cell
from exchange.verification.queries.reputation import DECIDED
from exchange.verification.reputation import Reputation

DAYS: Final = 90
LOTS_SHOWN: Final = 60
LOTS_MIN: Final = 10  # below, a rate over all lots means nothing
ROWS_SHOWN: Final = 50
TAIL: Final = 0.025
FAILED_CHECK: Final = "failed_check"  # a return that nobody asked for
SOLD: Final = (LineStatus.DELIVERED, LineStatus.RETURNED, LineStatus.REPLACED, LineStatus.SETTLED)
UPHELD: Final = (ReturnOutcome.APPROVED, ReturnOutcome.PARTIAL)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the charts are about: everything, a vertical, a source."""

    vertical_id: UUID | None = None
    source_id: UUID | None = None

    def of(self, batch: Any) -> list[ColumnElement[bool]]:  # Any: a table of batches
        """The conditions on a batch."""
        found = []
        if self.vertical_id:
            found.append(batch.vertical_id == self.vertical_id)
        if self.source_id:
            found.append(batch.source_id == self.source_id)
        return found


@dataclass(frozen=True, slots=True)
class ControlLot:
    """A decided lot on the control chart."""

    batch_id: UUID
    name: str
    seller: str
    decided_at: datetime
    n: int
    bad: int
    limits: Limits

    @property
    def share(self) -> float:
        """Bad ones among all who were drawn; open ones count as not bad."""
        return self.bad / self.n

    @property
    def is_ordinary(self) -> bool:
        """Whether the count lies within its limits."""
        return self.limits.hold(self.bad)


@dataclass(frozen=True, slots=True)
class Control:
    """The newest lots, oldest first, with the rate over all of them."""

    share: float
    lots: Sequence[ControlLot]

    @property
    def outside(self) -> int:
        """How many lots lie outside of their limits."""
        return sum(not lot.is_ordinary for lot in self.lots)


@dataclass(frozen=True, slots=True)
class Compared:
    """What the checks of a source found beside what its buyers sent back with right."""

    seller: str
    source: str
    source_id: str  # public
    checked: int
    bad: int
    bounds: Bounds | None  # 95 % of the checked share; None where nobody answered
    sold: int
    returned: int
    p_value: float

    @property
    def is_diverging(self) -> bool:
        """Whether checks and returns can hardly speak of the same leads."""
        return self.p_value < DIVERGED_BELOW


@dataclass(frozen=True, slots=True)
class Ranked:
    """A source with its record, in the order of its upper bound of bad leads."""

    seller: str
    source: str
    source_id: str  # public
    vertical_id: UUID
    standing: Reputation


def control(narrowed: Narrowed) -> Control | None:
    """The control chart of bad shares; None below ten lots."""
    statement = (
        select(Sample, Batch.name, Organization.trade_name)
        .join(Batch, Batch.id == Sample.batch_id)
        .join(Organization, Organization.id == Batch.organization_id)
        .where(Sample.status.in_(DECIDED), Sample.n > 0, *_lately(narrowed))
        .order_by(Sample.decided_at.desc(), Sample.id.desc())
        .limit(LOTS_SHOWN)
    )
    rows = db.session.execute(statement).all()[::-1]
    if len(rows) < LOTS_MIN:
        return None
    share = sum(row.Sample.bad for row in rows) / sum(row.Sample.n for row in rows)
    return Control(share, [_control_lot(*row, share=share) for row in rows])


def _control_lot(sample: Sample, name: str, seller: str, *, share: float) -> ControlLot:
    assert sample.decided_at is not None
    ordinary = limits(share, drawn=sample.n)
    return ControlLot(
        sample.batch_id, name, seller, sample.decided_at, sample.n, sample.bad, ordinary
    )


def compared(narrowed: Narrowed, *, limit: int = ROWS_SHOWN) -> list[Compared]:
    """Checks beside returns by source; the most surprising difference first."""
    checked = {
        row.source_id: (row.good + row.bad, row.bad) for row in db.session.execute(_sums(narrowed))
    }
    sold = {row.source_id: (row.sold, row.returned) for row in db.session.execute(_sold(narrowed))}
    names = _named(checked.keys() | sold.keys())
    found = [
        _compared(names[key], checked.get(key, (0, 0)), sold.get(key, (0, 0))) for key in names
    ]
    return sorted(found, key=lambda one: (one.p_value, -one.sold, one.seller))[:limit]


def ranked(narrowed: Narrowed, *, limit: int = ROWS_SHOWN) -> list[Ranked]:
    """Sources with a lot lately, by the upper bound of bad leads, the worst first."""
    standings = verification.records_of_sources(*narrowed.of(Batch), since=since())
    worst = sorted(standings, key=lambda cell: -standings[cell].upper)[:limit]
    names = _named({cell.source_id for cell in worst})
    return [_ranked_source(cell, names, standings[cell]) for cell in worst]


def _ranked_source(cell: Cell, names: dict[UUID, Any], standing: Reputation) -> Ranked:
    named = names[cell.source_id]
    return Ranked(
        named.trade_name, named.Source.name, named.Source.public_id, cell.vertical_id, standing
    )


def since() -> datetime:
    """From when on lots, sales and calls are on the charts."""
    return clock.now() - timedelta(days=DAYS)


def _lately(narrowed: Narrowed) -> list[ColumnElement[bool]]:
    return [Sample.decided_at >= since(), *narrowed.of(Batch)]


def _sums(narrowed: Narrowed) -> Any:  # Any: a select
    return (
        select(
            Batch.source_id,
            func.sum(Sample.good).label("good"),
            func.sum(Sample.bad).label("bad"),
        )
        .join(Batch, Batch.id == Sample.batch_id)
        .where(Sample.status.in_(DECIDED), *_lately(narrowed))
        .group_by(Batch.source_id)
    )


def _sold(narrowed: Narrowed) -> Any:  # Any: a select
    """Leads that buyers held, and those of them that went back with right at their wish."""
    upheld = and_(
        LeadReturn.line_id == OrderLine.id,
        LeadReturn.outcome.in_(UPHELD),
        LeadReturn.reason != FAILED_CHECK,
    )
    return (
        select(
            Batch.source_id,
            func.count().label("sold"),
            func.count(LeadReturn.id).label("returned"),
        )
        .select_from(OrderLine)
        .join(Lead, Lead.id == OrderLine.lead_id)
        .join(Batch, Batch.id == Lead.batch_id)
        .outerjoin(LeadReturn, upheld)
        .where(
            OrderLine.status.in_(SOLD),
            OrderLine.delivered_at >= since(),
            *narrowed.of(Batch),
        )
        .group_by(Batch.source_id)
    )


def _named(source_ids: Iterable[UUID]) -> dict[UUID, Any]:  # Any: rows of a source and its seller
    rows = db.session.execute(
        select(Source, Organization.trade_name)
        .join(Organization, Organization.id == Source.organization_id)
        .where(Source.id.in_(list(source_ids)))
    )
    return {row.Source.id: row for row in rows}


def _compared(named: Any, checked: tuple[int, int], sold: tuple[int, int]) -> Compared:
    n, bad = checked
    return Compared(
        seller=named.trade_name,
        source=named.Source.name,
        source_id=named.Source.public_id,
        checked=n,
        bad=bad,
        bounds=clopper_pearson_bounds(bad, drawn=n, tail=TAIL) if n else None,
        sold=sold[0],
        returned=sold[1],
        p_value=difference(bad, n, other_bad=sold[1], other_n=sold[0]),
    )
