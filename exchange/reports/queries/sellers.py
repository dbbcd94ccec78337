"""The figures of a seller's home: what is paid next, on sale, found good and asked back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select

from exchange.billing import queries as billing
from exchange.billing.queries import Balances, PendingDay
from exchange.core import clock
from exchange.core.db import db
from exchange.fulfillment.models import LeadReturn, ReturnStatus
from exchange.leads.models import Batch, Lead
from exchange.market.models import LineStatus, Listing, ListingStatus, OrderLine
from exchange.market.queries.stock import offered
from exchange.verification.models import Sample, SampleStatus

DAYS: Final = 30
OPEN_RETURNS: Final = (ReturnStatus.REQUESTED, ReturnStatus.IN_RECHECK, ReturnStatus.CONTESTED)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the spot checks of the last 30 days found; a share is never shown without its n."""

    lots: int
    n: int
    good: int
    bad: int
    open: int  # nobody was reached, or it could not be judged

    @property
    def valid_share(self) -> float | None:
        """Good ones among those that were good or bad; None where there were none."""
        return self.good / (self.good + self.bad) if self.good + self.bad else None


@dataclass(frozen=True, slots=True)
class Flow:
    """Leads of the last 30 days by how far they came."""

    taken_in: int  # rows of files
    valid: int
    sold: int
    returned: int


@dataclass(frozen=True, slots=True)
class SellerFigures:
    """What a seller's home shows; money by currency, never added up."""

    balances: Sequence[Balances]
    next_payable: PendingDay | None  # the next return windows that close, and what they free
    leads_on_sale: int
    listings_on_sale: int
    open_returns: int
    next_return_due: datetime | None
    checked: Checked
    flow: Flow


def seller_figures(organization_id: UUID) -> SellerFigures:
    """The figures of one seller as they are now."""
    since = clock.now() - timedelta(days=DAYS)
    listings, leads = _on_sale(organization_id)
    returns, due = _open_returns(organization_id)
    return SellerFigures(
        balances=billing.balances(organization_id),
        next_payable=next(iter(billing.pending_days(organization_id)), None),
        leads_on_sale=leads,
        listings_on_sale=listings,
        open_returns=returns,
        next_return_due=due,
        checked=_checked(organization_id, since),
        flow=_flow(organization_id, since),
    )


def _on_sale(organization_id: UUID) -> tuple[int, int]:
    row = db.session.execute(
        select(func.count(Listing.id.distinct()), func.count(Lead.id.distinct()))
        .join(Lead, and_(*offered()))
        .where(
            Listing.organization_id == organization_id, Listing.status == ListingStatus.PUBLISHED
        )
    ).one()
    return row[0], row[1]


def _open_returns(organization_id: UUID) -> tuple[int, datetime | None]:
    row = db.session.execute(
        select(func.count(), func.min(LeadReturn.decide_by)).where(
            LeadReturn.seller_id == organization_id, LeadReturn.status.in_(OPEN_RETURNS)
        )
    ).one()
    return row[0], row[1]


def _checked(organization_id: UUID, since: datetime) -> Checked:
    sums = [
        func.coalesce(func.sum(column), 0)
        for column in (Sample.n, Sample.good, Sample.bad, Sample.unresolved)
    ]
    row = db.session.execute(
        select(func.count(), *sums).where(
            Sample.organization_id == organization_id,
            Sample.status != SampleStatus.OPEN,
            Sample.decided_at >= since,
        )
    ).one()
    return Checked(*map(int, row))


def _flow(organization_id: UUID, since: datetime) -> Flow:
    rows, valid = db.session.execute(
        select(
            func.coalesce(func.sum(Batch.rows_done), 0), func.coalesce(func.sum(Batch.valid), 0)
        ).where(Batch.organization_id == organization_id, Batch.created_at >= since)
    ).one()
    sold, returned = db.session.execute(
        select(func.count(), func.count().filter(OrderLine.status == LineStatus.RETURNED)).where(
            OrderLine.seller_id == organization_id,
            OrderLine.status != LineStatus.RELEASED,
            OrderLine.created_at >= since,
        )
    ).one()
    return Flow(int(rows), int(valid), sold, returned)
