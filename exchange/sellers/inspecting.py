"""What a seller sees of a full inspection: whom it would call, what it costs, how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core.money import Money
from exchange.leads.models import Batch, BatchStatus
from exchange.verification.inspection_models import FullInspection, GuaranteeRun
from exchange.verification.queries import guarantees, inspected


@dataclass(frozen=True, slots=True)
class InspectionView:
    """A full inspection of a lot: one that runs, or what one would be now."""

    batch: Batch
    running: FullInspection | None
    people: int
    answered: int
    price: Money  # of one answer
    is_whole: bool
    payable: Money
    wallet: Money
    guarantee: GuaranteeRun | None  # the look behind the lot, once many of its leads came back

    @property
    def total(self) -> Money:
        """What is held before it starts."""
        return self.price * self.people

    @property
    def missing(self) -> Money:
        """What has to be paid in before it can start."""
        lacking = self.total - self.payable - self.wallet
        return max(lacking, Money(0, lacking.currency))

    @property
    def status(self) -> str:
        """Running, or that it could be started."""
        return self.running.status.value if self.running else "offered"


def inspection_view(batch: Batch) -> InspectionView:
    """The running full inspection of the door's own lot, else what one would be."""
    standing = inspected.standing(batch.id)
    if standing is None:
        offered = inspected.estimate(batch)
        return _view(batch, people=offered.people, price=offered.price, is_whole=offered.is_whole)
    runs = standing.inspection
    return _view(
        batch,
        people=runs.asked,
        price=runs.price,
        is_whole=runs.is_whole,
        running=runs,
        answered=standing.answered,
    )


def choice_of(batch: Batch) -> InspectionView | None:
    """What the seller of a lot has to choose about or waits for; None where there is nothing."""
    if batch.status not in {BatchStatus.IN_FULL_INSPECTION, *inspected.STARTED_FROM}:
        return None
    found = inspection_view(batch)
    is_open = inspected.is_about_all(batch) or found.running or found.people or found.guarantee
    return found if is_open else None


def _view(
    batch: Batch,
    *,
    people: int,
    price: Money,
    is_whole: bool,
    running: FullInspection | None = None,
    answered: int = 0,
) -> InspectionView:
    payable, wallet = (
        billing.balance(batch.organization_id, kind, price.currency)
        for kind in (AccountKind.PAYABLE, AccountKind.WALLET)
    )
    return InspectionView(
        batch=batch,
        running=running,
        people=people,
        answered=answered,
        price=price,
        is_whole=is_whole,
        payable=payable,
        wallet=wallet,
        guarantee=guarantees.run_of(batch.id),
    )
