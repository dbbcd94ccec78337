"""A buyer's reported actions with the leads that they came of, and what happened to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from exchange.buyers.queries.leads import BoughtLead, with_leads
from exchange.core.db import db
from exchange.core.events import Event, Ref
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.queries import SeenConversion
from exchange.market import queries as market
from exchange.market.contract_terms import ActionTerms
from exchange.market.models import OrderLine
from exchange.reports import queries as reports


def leads_of_actions(seen: Sequence[SeenConversion]) -> Mapping[UUID, BoughtLead]:
    """What each of these actions is of, by line."""
    line_ids = [one.conversion.line_id for one in seen]
    lines = db.session.scalars(select(OrderLine).where(OrderLine.id.in_(line_ids))).all()
    return {bought.line.id: bought for bought in with_leads(lines)}


def agreed_action(bought: BoughtLead) -> ActionTerms | None:
    """What is paid for of a lead; None where it is the lead itself."""
    return market.action_terms(bought.order)


def steps_of_action(conversion: Conversion) -> Sequence[Event]:
    """What happened to an action, newest first; the door has fetched it for its viewer."""
    return reports.events(viewer=None, subject=Ref.to(conversion)).items
