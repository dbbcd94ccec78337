"""Why leads that contracts ask for did not go to them: for each side, what it may know.

A buyer sees the reasons of the own contract. A seller sees how many contracts gave which reason
for a lead, never whose they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import cast, func, select, true
from sqlalchemy.dialects.postgresql import JSONB

from exchange.core import clock
from exchange.core.db import db
from exchange.leads.models import Lead
from exchange.market.allocation import Refusal
from exchange.market.match_models import ContractRefusal, LeadMatch

DAYS: Final = 7
# What says something about one buyer, or about a person, is one word to the seller.
TO_SELLER: Final = {
    Refusal.SUPPRESSED: Refusal.DUPLICATE,
    Refusal.NOT_ACTIVE: Refusal.ENDED,
    Refusal.CHANGED: Refusal.ENDED,
    Refusal.BUYER_NOT_APPROVED: Refusal.ENDED,
}


@dataclass(frozen=True, slots=True)
class RefusedDay:
    """How many leads a contract did not get on one UTC day, by reason."""

    day: date
    reason: Refusal
    leads: int


@dataclass(frozen=True, slots=True)
class Met:
    """How often leads met contracts, and why those that asked for them did not get them."""

    leads: int  # that met all contracts
    asked_for: int  # of these, by at least one contract
    taken: int  # slots
    reasons: dict[Refusal, int]  # by reason, how often a contract gave it


def refusals_of_contract(contract_id: UUID, *, days: int = DAYS) -> list[RefusedDay]:
    """What a contract asked for and did not get, the last day first; the caller may see it."""
    since = clock.now().date() - timedelta(days=days - 1)
    rows = db.session.scalars(
        select(ContractRefusal)
        .where(ContractRefusal.contract_id == contract_id, ContractRefusal.day >= since)
        .order_by(ContractRefusal.day.desc(), ContractRefusal.leads.desc(), ContractRefusal.reason)
    )
    return [RefusedDay(row.day, row.reason, row.leads) for row in rows]


def refusals_of_lead(lead_id: UUID) -> Met | None:
    """Why contracts did not take a lead the last time it met them; None: it met none yet."""
    found = db.session.get(LeadMatch, lead_id)
    if found is None:
        return None
    counts = {word: said["contracts"] for word, said in found.refusals.items()}
    return Met(1, int(found.fitting > 0), found.taken, _told(counts))


def refusals_of_batch(batch_id: UUID) -> Met | None:
    """The same of all leads of a lot; None: none of them met contracts yet."""
    inside = select(Lead.id).where(Lead.batch_id == batch_id)
    totals = select(
        func.count().label("leads"),
        func.count().filter(LeadMatch.fitting > 0).label("asked_for"),
        func.coalesce(func.sum(LeadMatch.taken), 0).label("taken"),
    ).where(LeadMatch.lead_id.in_(inside))
    total = db.session.execute(totals).one()
    if not total.leads:
        return None
    each = func.jsonb_each(LeadMatch.refusals).table_valued("key", "value").render_derived()
    contracts = cast(each.c.value, JSONB)["contracts"].as_integer()
    rows = db.session.execute(
        select(each.c.key, func.sum(contracts).label("n"))
        .select_from(LeadMatch)
        .join(each, true())
        .where(LeadMatch.lead_id.in_(inside))
        .group_by(each.c.key)
    )
    return Met(
        total.leads, total.asked_for, int(total.taken), _told({r.key: int(r.n) for r in rows})
    )


def _told(counts: Mapping[str, int]) -> dict[Refusal, int]:
    """The reasons in the words for the seller, the commonest first."""
    told: Counter[Refusal] = Counter()
    for word, n in counts.items():
        told[TO_SELLER.get(Refusal(word), Refusal(word))] += n
    return dict(told.most_common())
