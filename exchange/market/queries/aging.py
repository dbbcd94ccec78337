"""Which leads of a lot may be listed a second time, as aged (decision 2).

Ninety days after it was sold to one buyer alone a lead is free again, while its person has not
taken the consent back, was not erased, never denied the request, and is on nobody's list of those
who are not called. What was given back for a defect, or found bad by a call, never comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select

from exchange.core import clock
from exchange.core.db import db
from exchange.leads import people
from exchange.leads.models import Contact, Lead, LeadKind, LeadStatus
from exchange.market.models import LineStatus, OrderLine, PricingModel

EXCLUSIVE_FOR: Final = timedelta(days=90)  # from the delivery


def ripe_leads(batch_id: UUID) -> dict[UUID, datetime]:
    """When each lead that is ripe was sold first, by lead."""
    rows = db.session.execute(_ripe(batch_id))
    return {row.id: row.delivered_at for row in rows}


def count_ripe(batch_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many leads of each lot could be listed as aged now; lots without any are missing."""
    found = _ripe(*batch_ids).subquery()
    rows = db.session.execute(
        select(found.c.batch_id, func.count().label("leads")).group_by(found.c.batch_id)
    )
    return {row.batch_id: row.leads for row in rows}


def _ripe(*batch_ids: UUID) -> Select[*tuple[Any, ...]]:  # Any: a lead, its lot, its sale
    """A lead that was sold by the lead; who paid for an action has the whole way still to go."""
    return (
        select(Lead.id, Lead.batch_id, OrderLine.delivered_at)
        .join(OrderLine, OrderLine.lead_id == Lead.id)
        .join(Contact, Contact.lead_id == Lead.id)
        .where(
            Lead.batch_id.in_(batch_ids),
            Lead.kind == LeadKind.EXCLUSIVE,
            Lead.status == LeadStatus.VALID,
            Lead.in_frame,
            Lead.failed_at.is_(None),
            Lead.aged_at.is_(None),
            Lead.sold == Lead.sales_max,
            OrderLine.status == LineStatus.SETTLED,
            OrderLine.slot.is_not(None),
            OrderLine.pricing_model == PricingModel.CPL,
            OrderLine.delivered_at <= clock.now() - EXCLUSIVE_FOR,
            ~people.is_person_suppressed(),
        )
    )
