"""Verbs of caps: what contracts took is counted where it was taken, and given back there.

A line is counted by the moment that stands in it, which was read behind the contract's lock, in
all periods at once, capped or not: a cap that is set later knows what was taken before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Text,
    Uuid,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from exchange.core import clock
from exchange.core.db import db, lock
from exchange.market import queries
from exchange.market.cap_periods import starts
from exchange.market.contract_models import CapUse, Contract, ContractTerms
from exchange.market.contract_terms import Period
from exchange.market.models import LineStatus, Order, OrderLine
from exchange.market.queries.caps import AMOUNT
from exchange.market.queries.stock import in_list


@dataclass(frozen=True, slots=True)
class Use:
    """So many leads for so much, taken or given back by a contract inside a period."""

    contract_id: UUID
    period: str
    starts_at: datetime
    leads: int
    amount: int


def uses_at(
    contract_id: UUID, *, time_zone: str, moment: datetime, leads: int, amount: int
) -> list[Use]:
    """What taking these at the moment adds, in every period."""
    return [
        Use(contract_id, str(period), at, leads, amount)
        for period, at in starts(time_zone, moment).items()
    ]


def count(added: Sequence[Use]) -> None:
    """Add to what contracts took; they are locked, and the caller kept to their caps."""
    if not added:
        return
    statement = insert(CapUse).from_select(
        ["contract_id", "period", "starts_at", "leads", "amount"], select(*_rows(added).c)
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["contract_id", "period", "starts_at"],
            set_={
                "leads": CapUse.leads + statement.excluded.leads,
                "amount": CapUse.amount + statement.excluded.amount,
            },
        ),
        execution_options={"synchronize_session": False},
    )


def give_back(line_ids: Collection[UUID]) -> None:
    """Take lines that were let go of from where they were counted; others are left alone.

    Where the contract's clock is another by now, its present periods counted them as well.
    """
    agreed, newest = aliased(ContractTerms), aliased(ContractTerms)
    rows = db.session.execute(
        select(OrderLine.contract_id, OrderLine.created_at, AMOUNT, _zone(agreed), _zone(newest))
        .join(Order, Order.id == OrderLine.order_id)
        .join(Contract, Contract.id == OrderLine.contract_id)
        .join(agreed, _is_version(agreed, Order.contract_version))
        .join(newest, _is_version(newest, Contract.terms_version))
        .where(in_list(OrderLine.id, line_ids))
    ).all()
    less: Counter[tuple[UUID, str, datetime]] = Counter()
    money: Counter[tuple[UUID, str, datetime]] = Counter()
    for contract_id, at, amount, *zones in rows:
        places = {
            (contract_id, str(period), begun)
            for zone in zones
            for period, begun in starts(zone, at).items()
        }
        less.update(places)
        money.update(dict.fromkeys(places, amount))
    _take_off([Use(*place, less[place], money[place]) for place in less])


def recount(*, contract_id: UUID) -> None:
    """Count the present periods anew from the lines: the contract's clock may be another now."""
    contract = lock(Contract, contract_id)
    now = clock.after_lock()
    begun = starts(queries.terms_of(contract).time_zone, now)
    db.session.execute(
        delete(CapUse).where(
            CapUse.contract_id == contract.id, CapUse.starts_at.in_(begun.values())
        )
    )
    taken = [_taken_since(contract.id, period, at) for period, at in begun.items()]
    count([use for use in taken if use.leads])


def _taken_since(contract_id: UUID, period: Period, begun: datetime) -> Use:
    leads, amount = db.session.execute(
        select(func.count(), func.coalesce(func.sum(AMOUNT), 0)).where(
            OrderLine.contract_id == contract_id,
            OrderLine.created_at >= begun,
            OrderLine.status != LineStatus.RELEASED,
        )
    ).one()
    return Use(contract_id, str(period), begun, leads, int(amount))


def _take_off(less: Sequence[Use]) -> None:
    if not less:
        return
    rows = _rows(less)
    db.session.execute(
        update(CapUse)
        .where(
            CapUse.contract_id == rows.c.contract_id,
            CapUse.period == rows.c.period,
            CapUse.starts_at == rows.c.starts_at,
        )
        .values(leads=CapUse.leads - rows.c.leads, amount=CapUse.amount - rows.c.amount),
        execution_options={"synchronize_session": False},
    )


def _rows(some: Sequence[Use]) -> Any:  # Any: a table of the columns of Use
    return (
        func.unnest(
            literal([use.contract_id for use in some], ARRAY(Uuid)),
            literal([use.period for use in some], ARRAY(Text)),
            literal([use.starts_at for use in some], ARRAY(DateTime(timezone=True))),
            literal([use.leads for use in some], ARRAY(Integer)),
            literal([use.amount for use in some], ARRAY(BigInteger)),
        )
        .table_valued("contract_id", "period", "starts_at", "leads", "amount")
        .render_derived("used")
    )


def _zone(terms: type[ContractTerms]) -> ColumnElement[str]:
    zone: ColumnElement[str] = terms.content["time_zone"].astext
    return zone


def _is_version(terms: type[ContractTerms], version: Any) -> ColumnElement[bool]:  # Any: a column
    same: ColumnElement[bool] = terms.version == version
    return (terms.contract_id == OrderLine.contract_id) & same
