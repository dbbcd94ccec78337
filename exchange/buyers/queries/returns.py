"""A buyer's returns with the leads that they are about, and what happened to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from exchange.buyers.queries.leads import BoughtLead, with_leads
from exchange.core.db import db
from exchange.core.events import Event, Ref
from exchange.fulfillment.models import LeadReturn
from exchange.market.models import OrderLine
from exchange.reports import queries as reports


def leads_of_returns(returns: Sequence[LeadReturn]) -> Mapping[UUID, BoughtLead]:
    """What each of these returns is about, by line."""
    line_ids = [lead_return.line_id for lead_return in returns]
    lines = db.session.scalars(select(OrderLine).where(OrderLine.id.in_(line_ids))).all()
    return {bought.line.id: bought for bought in with_leads(lines)}


def steps_of_return(lead_return: LeadReturn) -> Sequence[Event]:
    """What happened to a return, newest first; the door has fetched it for its viewer."""
    return reports.events(viewer=None, subject=Ref.to(lead_return)).items
