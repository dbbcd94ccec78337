"""Questions about leads that are paid by their action: who is open, what became of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select

from exchange.core import clock
from exchange.core.db import db, get
from exchange.core.money import Money
from exchange.leads.queries import fields_of
from exchange.market.action_pool import Record
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import ActionTerms, Terms
from exchange.market.models import LineAction, LineStatus, Order, OrderLine, PricingModel
from exchange.market.queries.contracts import get_contract_terms

PRICE: Final = OrderLine.__table__.c.price_amount
# What was paid for a line once it is delivered: the SQL form of `OrderLine.charged`.
CHARGED: Final = case(
    (
        (OrderLine.pricing_model == PricingModel.CPA) & (OrderLine.action != LineAction.PAID),
        0,
    ),
    else_=PRICE,
)
REMEMBERED: Final = 1_000  # leads that came to their end last


@dataclass(frozen=True, slots=True)
class OpenLeads:
    """Leads of a contract of which an action may still come."""

    count: int
    price: Money  # the highest that was agreed for an action of one of them


def action_terms(order: Order) -> ActionTerms | None:
    """What is paid for by an order's lines, as agreed when it was made; None: the leads."""
    if order.contract_id is None or order.contract_version is None:
        return None
    contract = get(Contract, order.contract_id)
    if contract.pricing_model is not PricingModel.CPA:
        return None
    row = get_contract_terms(contract.id, version=order.contract_version)
    action = Terms.from_json(row.content, fields_of(contract.schema_id)).action
    assert action is not None, "a contract under CPA says what it pays for"
    return action


def open_leads(contract: Contract) -> OpenLeads:
    """Leads under way or delivered, inside their window and without an action."""
    inside = or_(OrderLine.window_until.is_(None), OrderLine.window_until > clock.now())
    row = db.session.execute(
        select(func.count(), func.max(PRICE)).where(
            OrderLine.contract_id == contract.id,
            OrderLine.pricing_model == PricingModel.CPA,
            OrderLine.status.in_((LineStatus.RESERVED, LineStatus.DELIVERED)),
            OrderLine.action == LineAction.NONE,
            inside,
        )
    ).one()
    return OpenLeads(row[0], Money(row[1] or 0, contract.price.currency))


def record_of_contract(contract: Contract) -> Record:
    """The contract's last leads that came to their end, with the paid actions among them."""
    return _record(select(OrderLine.action).where(OrderLine.contract_id == contract.id))


def record_of_vertical(vertical_id: UUID) -> Record:
    """The same of all contracts of a vertical together."""
    theirs = select(OrderLine.action).join(Contract, Contract.id == OrderLine.contract_id)
    return _record(theirs.where(Contract.vertical_id == vertical_id))


def _record(lines: Select[LineAction]) -> Record:
    ended = (
        lines.where(
            OrderLine.pricing_model == PricingModel.CPA,
            OrderLine.status == LineStatus.SETTLED,
        )
        .order_by(OrderLine.id.desc())
        .limit(REMEMBERED)
        .subquery()
    )
    paid = func.count().filter(ended.c.action == LineAction.PAID)
    row = db.session.execute(select(paid, func.count()).select_from(ended)).one()
    return Record(actions=row[0], leads=row[1])
