"""Questions about what contracts took inside their periods, and the sentences that hold of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, Uuid, func, literal, select

from exchange.core.db import db
from exchange.core.invariants import invariant
from exchange.market.cap_periods import NOTHING, Starts, Used, starts
from exchange.market.contract_models import CapUse, Contract, ContractTerms
from exchange.market.contract_terms import Period
from exchange.market.models import LineStatus, OrderLine

AMOUNT = OrderLine.__table__.c.price_amount


def uses(begun: Mapping[UUID, Starts]) -> dict[UUID, dict[Period, Used]]:
    """By contract and period, what was taken since it began; a period without a row is missing."""
    wanted = places_of(begun)
    found: defaultdict[UUID, dict[Period, Used]] = defaultdict(dict)
    rows = db.session.execute(
        select(CapUse.contract_id, CapUse.period, CapUse.leads, CapUse.amount).join(
            wanted,
            (CapUse.contract_id == wanted.c.contract_id)
            & (CapUse.period == wanted.c.period)
            & (CapUse.starts_at == wanted.c.starts_at),
        )
    )
    for row in rows:
        found[row.contract_id][row.period] = (row.leads, row.amount)
    return found


def places_of(begun: Mapping[UUID, Starts]) -> Any:  # Any: a table of three columns
    """The periods as rows, to be joined."""
    rows = [(key, period, at) for key, one in begun.items() for period, at in one.items()]
    return (
        func.unnest(
            literal([row[0] for row in rows], ARRAY(Uuid)),
            literal([str(row[1]) for row in rows], ARRAY(Text)),
            literal([row[2] for row in rows], ARRAY(DateTime(timezone=True))),
        )
        .table_valued("contract_id", "period", "starts_at")
        .render_derived("wanted")
    )


@invariant("market.caps")
def uses_beside_the_lines() -> list[str]:
    """What a contract counts in all is what its lines say."""
    taken = (
        select(OrderLine.contract_id, func.count().label("n"), func.sum(AMOUNT).label("amount"))
        .where(OrderLine.contract_id.is_not(None), OrderLine.status != LineStatus.RELEASED)
        .group_by(OrderLine.contract_id)
        .subquery("taken")
    )
    counted = select(CapUse).where(CapUse.period == Period.TOTAL).subquery("counted")
    leads, amount = func.coalesce(counted.c.leads, 0), func.coalesce(counted.c.amount, 0)
    n, paid = func.coalesce(taken.c.n, 0), func.coalesce(taken.c.amount, 0)
    wrong = db.session.execute(
        select(Contract.id, leads, amount, n, paid)
        .outerjoin(counted, counted.c.contract_id == Contract.id)
        .outerjoin(taken, taken.c.contract_id == Contract.id)
        .where((leads != n) | (amount != paid))
    )
    return [
        f"contract {row[0]} counts {row[1]} leads for {row[2]}, its lines say {row[3]} for {row[4]}"
        for row in wrong
    ]


@invariant("market.cap_periods")
def periods_beyond_the_lines_or_a_cap() -> list[str]:
    """Each period counts the lines taken in it; of a contract never changed, none beyond its cap.

    A contract that was changed may have had other caps, or another clock, when it took them.
    """
    rows = db.session.execute(
        select(CapUse, ContractTerms.content)
        .join(ContractTerms, ContractTerms.contract_id == CapUse.contract_id)
        .join(Contract, Contract.id == CapUse.contract_id)
        .where(Contract.terms_version == 1, CapUse.period != Period.TOTAL)
    ).all()
    taken = _taken({row.CapUse.contract_id: row.content["time_zone"] for row in rows})
    wrong = []
    for use, content in rows:
        key = (use.contract_id, use.period, use.starts_at)
        if (use.leads, use.amount) != taken.get(key, NOTHING):
            wrong.append(f"{use.period} of contract {use.contract_id} does not fit its lines")
        caps = content.get("caps", {})
        for what, used in (("leads", use.leads), ("amount", use.amount)):
            cap = caps.get(what, {}).get(use.period)
            if cap is not None and used > cap:
                wrong.append(
                    f"contract {use.contract_id} took {used} {what} of {cap} in its {use.period}"
                )
    return wrong


def _taken(zones: Mapping[UUID, str]) -> dict[tuple[UUID, Period, Any], Used]:
    """By contract, period and its start, what the lines say."""
    found: defaultdict[tuple[UUID, Period, Any], Used] = defaultdict(lambda: NOTHING)
    rows = db.session.execute(
        select(OrderLine.contract_id, OrderLine.created_at, AMOUNT).where(
            OrderLine.contract_id.in_(zones), OrderLine.status != LineStatus.RELEASED
        )
    )
    for contract_id, at, amount in rows:
        for period, begun in starts(zones[contract_id], at).items():
            leads, sum_ = found[contract_id, period, begun]
            found[contract_id, period, begun] = (leads + 1, sum_ + amount)
    return found
