"""Questions about leads paid by their action: what is agreed, and the money behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from exchange.billing.models import Pool
from exchange.core import clock
from exchange.core.db import db, get
from exchange.leads.queries import fields_of
from exchange.market.action_pool import Backing, Record, chance
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import ActionTerms, Terms
from exchange.market.models import LineAction, LineStatus, Order, OrderLine, PricingModel
from exchange.market.queries.contracts import get_contract_terms
from exchange.market.queries.stock import in_list

PRICE: Final = OrderLine.__table__.c.price_amount
REMEMBERED: Final = 1_000  # leads of a vertical that came to their end last
NOTHING: Final = Record(0, 0)


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


def backings(prices: Mapping[UUID, int]) -> dict[UUID, Backing]:
    """The money behind contracts under CPA, by id, with what the next lead's action would cost.

    Prices are minor units; all of the contracts are of one vertical. Behind a contract's lock it
    stays true.
    """
    if not prices:
        return {}
    lines, pools = _lines_of(prices), _pools_of(prices)
    vertical = _record_of_vertical(next(iter(prices)))
    return {
        key: Backing(
            open_leads=lines[key].open if key in lines else 0,
            held=pools.get(key, 0),
            price=max(price, (lines[key].dearest or 0) if key in lines else 0),
            known=chance(
                own=Record(lines[key].paid, lines[key].ended) if key in lines else NOTHING,
                vertical=vertical,
            ),
        )
        for key, price in prices.items()
    }


def _lines_of(contract_ids: Collection[UUID]) -> dict[UUID, Any]:  # Any: rows of counts
    """What is open of each contract, and what became of the leads that came to their end."""
    is_open = and_(
        OrderLine.status.in_((LineStatus.RESERVED, LineStatus.DELIVERED)),
        OrderLine.action == LineAction.NONE,
        or_(OrderLine.window_until.is_(None), OrderLine.window_until > clock.now()),
    )
    has_ended = OrderLine.status == LineStatus.SETTLED
    rows = db.session.execute(
        select(
            OrderLine.contract_id,
            func.count().filter(is_open).label("open"),
            func.max(PRICE).filter(is_open).label("dearest"),
            func.count().filter(has_ended).label("ended"),
            func.count().filter(has_ended, OrderLine.action == LineAction.PAID).label("paid"),
        )
        .where(
            in_list(OrderLine.contract_id, contract_ids),
            OrderLine.pricing_model == PricingModel.CPA,
        )
        .group_by(OrderLine.contract_id)
    )
    return {row.contract_id: row for row in rows}


def _pools_of(contract_ids: Collection[UUID]) -> dict[UUID, int]:
    amount = Pool.__table__.c.amount_amount
    rows = db.session.execute(
        select(Pool.subject_id, amount.label("held")).where(
            Pool.subject_kind == Contract.KIND, in_list(Pool.subject_id, contract_ids)
        )
    )
    return {row.subject_id: row.held for row in rows}


def _record_of_vertical(contract_id: UUID) -> Record:
    """What became of the vertical's last leads under CPA, of all its contracts together."""
    vertical = select(Contract.vertical_id).where(Contract.id == contract_id).scalar_subquery()
    ended = (
        select(OrderLine.action)
        .join(Contract, Contract.id == OrderLine.contract_id)
        .where(
            OrderLine.pricing_model == PricingModel.CPA,
            OrderLine.status == LineStatus.SETTLED,
            Contract.vertical_id == vertical,
        )
        .order_by(OrderLine.id.desc())
        .limit(REMEMBERED)
        .subquery()
    )
    paid = func.count().filter(ended.c.action == LineAction.PAID)
    row = db.session.execute(select(paid, func.count()).select_from(ended)).one()
    return Record(actions=row[0], leads=row[1])
