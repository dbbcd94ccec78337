"""Why leads that contracts ask for did not go to them: for each side, what it may know.

A buyer sees the reasons of the own contract. A seller sees how often contracts gave which reason,
never whose they are: a reason is named where three buyers or more are behind it, as every figure
of demand is (decision 13), and the others are one number. What one contract pays, or can pay, is
nobody else's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, cast, func, select, true
from sqlalchemy.dialects.postgresql import JSONB

from exchange.core import clock
from exchange.core.db import db
from exchange.leads.models import Lead
from exchange.market.allocation import Refusal
from exchange.market.contract_models import Contract
from exchange.market.match_models import ContractRefusal, LeadMatch, RefusalTally
from exchange.market.queries.demand import BUYERS_MIN
from exchange.market.queries.stock import in_list

DAYS: Final = 7
LEADS_LOOKED_AT: Final = 10_000  # of a lot or a listing: reasons are read lead by lead
# What says something about one buyer, or about a person, is one word to the seller.
TO_SELLER: Final = {
    Refusal.SUPPRESSED: Refusal.DUPLICATE,
    Refusal.NOT_ACTIVE: Refusal.ENDED,
    Refusal.CHANGED: Refusal.ENDED,
    Refusal.BUYER_NOT_APPROVED: Refusal.ENDED,
}


@dataclass(frozen=True, slots=True)
class Refused:
    """How many leads a contract asked for and did not get, for one reason, on which UTC days."""

    reason: Refusal
    leads: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Met:
    """How often leads met contracts, and why those that asked for them did not get them."""

    leads: int  # that met all contracts and were looked at, 10,000 at most
    asked_for: int  # of these, by at least one contract
    taken: int  # slots
    reasons: dict[Refusal, int]  # by reason, how often a contract gave it; the commonest first
    few: int = 0  # how often contracts of fewer than three buyers gave a reason


def refusals_of_contract(contract_id: UUID, *, days: int = DAYS) -> Sequence[Refused]:
    """What a contract asked for and did not get in these days, the commonest reason first.

    The caller may see the contract.
    """
    since = clock.now().date() - timedelta(days=days - 1)
    leads, day = func.sum(ContractRefusal.leads), ContractRefusal.day
    rows = db.session.execute(
        select(
            ContractRefusal.reason,
            leads.label("leads"),
            func.min(day).label("first"),
            func.max(day).label("last"),
        )
        .where(ContractRefusal.contract_id == contract_id, day >= since)
        .group_by(ContractRefusal.reason)
        .order_by(leads.desc(), ContractRefusal.reason)
    )
    return [Refused(row.reason, int(row.leads), row.first, row.last) for row in rows]


def refused_lately(contract_ids: Collection[UUID], reason: Refusal) -> Mapping[UUID, int]:
    """How many leads each did not get for the reason in these days, added up already or not."""
    since = clock.now().date() - timedelta(days=DAYS - 1)
    each = func.unnest(RefusalTally.contract_ids, RefusalTally.leads)
    one = each.table_valued("contract_id", "leads").render_derived("one")
    noted = (
        select(one.c.contract_id, one.c.leads)
        .join_from(RefusalTally, one, true())
        .where(RefusalTally.reason == reason, RefusalTally.day >= since)
        .where(in_list(one.c.contract_id, contract_ids))
    )
    added = select(ContractRefusal.contract_id, ContractRefusal.leads).where(
        ContractRefusal.reason == reason,
        ContractRefusal.day >= since,
        in_list(ContractRefusal.contract_id, contract_ids),
    )
    both = added.union_all(noted).subquery()
    sums = select(both.c.contract_id, func.sum(both.c.leads)).group_by(both.c.contract_id)
    return {contract_id: int(leads) for contract_id, leads in db.session.execute(sums)}


def refusals_of_lead(lead_id: UUID) -> Met | None:
    """Why contracts did not take a lead the last time it met them; None: it met none yet."""
    return _met(LeadMatch.lead_id == lead_id)


def refusals_of_batch(batch_id: UUID) -> Met | None:
    """The same of the leads of a lot; None: none of them met contracts yet."""
    return _met(LeadMatch.lead_id.in_(select(Lead.id).where(Lead.batch_id == batch_id)))


def refusals_of_listing(listing_id: UUID) -> Met | None:
    """The same of the leads that met contracts on a listing; None: none did."""
    return _met(LeadMatch.listing_id == listing_id)


def _met(which: ColumnElement[bool]) -> Met | None:
    found = select(LeadMatch).where(which).limit(LEADS_LOOKED_AT).subquery()
    totals = select(
        func.count().label("leads"),
        func.count().filter(found.c.fitting > 0).label("asked_for"),
        func.coalesce(func.sum(found.c.taken), 0).label("taken"),
    )
    total = db.session.execute(totals.select_from(found)).one()
    if not total.leads:
        return None
    each = func.jsonb_each(found.c.refusals).table_valued("key", "value").render_derived()
    said = select(each.c.key, cast(each.c.value, JSONB).label("said")).select_from(found)
    times, buyers = _times(said.join(each, true())), _buyers(said.join(each, true()))
    named = {reason: n for reason, n in times.items() if len(buyers[reason]) >= BUYERS_MIN}
    return Met(
        leads=total.leads,
        asked_for=total.asked_for,
        taken=int(total.taken),
        reasons=dict(sorted(named.items(), key=lambda one: -one[1])),
        few=sum(times.values()) - sum(named.values()),
    )


def _times(said: Select[Any]) -> Mapping[Refusal, int]:  # Any: a reason and its JSON
    """How often each reason was given, in the words for the seller."""
    each = said.subquery()
    contracts = func.sum(each.c.said["contracts"].as_integer())
    found: defaultdict[Refusal, int] = defaultdict(int)
    for word, n in db.session.execute(select(each.c.key, contracts).group_by(each.c.key)):
        found[_word(word)] += int(n)
    return found


def _buyers(said: Select[Any]) -> Mapping[Refusal, set[UUID]]:  # Any: as above
    """Who is known to have given it: each lead names the first contracts of a reason alone."""
    each = said.subquery()
    named = func.jsonb_array_elements_text(each.c.said["first"])
    first = named.table_valued("id").render_derived()
    rows = db.session.execute(
        select(each.c.key, Contract.organization_id)
        .select_from(each)
        .join(first, true())
        .join(Contract, Contract.id == cast(first.c.id, Uuid))
        .distinct()
    )
    found: defaultdict[Refusal, set[UUID]] = defaultdict(set)
    for word, buyer_id in rows:
        found[_word(word)].add(buyer_id)
    return found


def _word(word: str) -> Refusal:
    return TO_SELLER.get(Refusal(word), Refusal(word))
