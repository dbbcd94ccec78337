"""What became of the leads that were brought for an offer, for sellers who think of joining it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from exchange.core.db import db
from exchange.fulfillment.conversion_models import Conversion, ConversionStatus
from exchange.leads.models import Batch, Lead
from exchange.market.match_models import LeadMatch
from exchange.market.models import LineAction, LineStatus, OrderLine, PricingModel
from exchange.market.queries.offers import TAKEN, TAKEN_MIN
from exchange.market.queries.stock import Rows

# A window that closes pays for a lead; an action is paid for when its money was divided.
_PAID_AT: Final = case(
    (OrderLine.status == LineStatus.RETURNED, None),
    (OrderLine.pricing_model == PricingModel.CPA, Conversion.settled_at),
    (OrderLine.status == LineStatus.SETTLED, OrderLine.window_until),
)


@dataclass(frozen=True, slots=True)
class Part:
    """So many of n."""

    part: int
    n: int

    @property
    def share(self) -> float | None:
        """As a share; None under twenty, of which a share says nothing."""
        return self.part / self.n if self.n >= TAKEN_MIN else None


@dataclass(frozen=True, slots=True)
class Wait:
    """How long something took, in the middle of n."""

    half: timedelta | None  # in half of the cases it took at most so long; None: it never came
    n: int

    @property
    def median(self) -> timedelta | None:
        """The same; None under twenty cases."""
        return self.half if self.n >= TAKEN_MIN else None


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """What became of the leads that all sellers brought for one offer."""

    taken: Part  # delivered, of those that met the contract
    paid: Part  # and kept, of the delivered ones that came to their end
    approved: Part  # actions, of those that were decided (CPA)
    delivery: Wait  # from the post
    payment: Wait  # from the post until the money was the seller's

    @property
    def is_told(self) -> bool:
        """Whether enough is known to say anything."""
        return self.taken.n >= TAKEN_MIN


NOTHING: Final = OfferRecord(Part(0, 0), Part(0, 0), Part(0, 0), Wait(None, 0), Wait(None, 0))


def offer_records(contract_ids: Collection[UUID]) -> dict[UUID, OfferRecord]:
    """By contract for which leads were brought, what became of them."""
    lines = {row.contract_id: row for row in db.session.execute(_of_leads(contract_ids))}
    actions = {row.contract_id: row for row in db.session.execute(_of_actions(contract_ids))}
    return {
        key: OfferRecord(
            taken=Part(row.taken, row.met),
            paid=Part(row.paid, row.ended),
            approved=_approved(actions.get(key)),
            delivery=Wait(row.to_delivery, row.taken),
            payment=Wait(row.to_payment, row.paid),
        )
        for key, row in lines.items()
    }


def _approved(row: Any) -> Part:  # Any: a row of counts, if there is one
    return Part(0, 0) if row is None else Part(row.approved, row.decided)


def _of_leads(contract_ids: Collection[UUID]) -> Rows:
    is_taken = OrderLine.status.in_(TAKEN)
    has_ended = or_(
        OrderLine.status.in_((LineStatus.SETTLED, LineStatus.RETURNED)),
        OrderLine.action == LineAction.PAID,
    )
    own = and_(
        OrderLine.lead_id == Lead.id,
        OrderLine.contract_id == Batch.contract_id,
        OrderLine.status != LineStatus.RELEASED,
    )
    approved = (Conversion.line_id == OrderLine.id) & (
        Conversion.status == ConversionStatus.APPROVED
    )
    return (
        select(
            Batch.contract_id,
            func.count().label("met"),
            func.count().filter(is_taken).label("taken"),
            func.count().filter(has_ended).label("ended"),
            func.count(_PAID_AT).label("paid"),
            _median(OrderLine.delivered_at - Lead.created_at).label("to_delivery"),
            _median(_PAID_AT - Lead.created_at).label("to_payment"),
        )
        .select_from(Batch)
        .join(Lead, Lead.batch_id == Batch.id)
        .outerjoin(LeadMatch, LeadMatch.lead_id == Lead.id)
        .outerjoin(OrderLine, own)
        .outerjoin(Conversion, approved)
        # Who came back on sale is to meet the contract again.
        .where(
            Batch.contract_id.in_(contract_ids),
            or_(LeadMatch.lead_id.is_not(None), OrderLine.id.is_not(None)),
        )
        .group_by(Batch.contract_id)
    )


def _median(length: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of those that have one."""
    return func.percentile_disc(0.5).within_group(length)


def _of_actions(contract_ids: Collection[UUID]) -> Rows:
    approved = Conversion.status.in_((ConversionStatus.APPROVED, ConversionStatus.REVERSED))
    decided = approved | (Conversion.status == ConversionStatus.REJECTED)
    return (
        select(
            Conversion.contract_id,
            func.count().filter(approved).label("approved"),
            func.count().filter(decided).label("decided"),
        )
        .where(Conversion.contract_id.in_(contract_ids))
        .group_by(Conversion.contract_id)
    )
