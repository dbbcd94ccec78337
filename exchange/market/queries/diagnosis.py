"""Why nothing comes by a contract: the facts behind its status and its checklist.

Filters are asked of what came on sale in the last seven days (a bounded sample). The filter that
removes most is the one without which most leads more would fit, the others kept; where each lead
misses several, the one that most leads miss. Of criteria joined by "all" each part is a filter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.catalog import queries as catalog
from exchange.catalog.criteria import All, Criteria, condition_fields, matches
from exchange.core import clock
from exchange.core.db import db, get
from exchange.core.money import Currency, Money
from exchange.identity.models import Organization
from exchange.leads import people
from exchange.leads.queries import vertical_of
from exchange.market.contract_health import Facts, Limit, Met, limit_of
from exchange.market.contract_models import Contract, ContractStatus
from exchange.market.contract_terms import Terms
from exchange.market.filters import COUNT_MIN
from exchange.market.fitting import Misfit, misfits
from exchange.market.models import Order, OrderStatus
from exchange.market.queries.contracts import cap_uses, has_asked_people, resolve, terms_of
from exchange.market.queries.forecasts import is_told
from exchange.market.queries.prices import PriceGuidance, price_guidance
from exchange.market.queries.refusals import Refused, refusals_of_contract
from exchange.market.queries.supply import SAMPLE_MAX, Seen, Supply, supply

SUPPLY_DAYS: Final = 7
GLANCE_MAX: Final = 300  # leads that a list of contracts looks at
STUCK_AFTER: Final = timedelta(minutes=15)  # without delivery


@dataclass(frozen=True, slots=True)
class Narrowest:
    """The one filter that removes most."""

    misfit: Misfit
    fields: tuple[str, ...]  # that a part of the criteria asks about; none: all of them
    leads: int | None  # that would fit without it; None: few; 0: each misses another filter too


@dataclass(frozen=True, slots=True)
class ContractStanding:
    """A contract with what is shown of it: its facts and what limits it."""

    contract: Contract
    facts: Facts

    @property
    def limit(self) -> Limit | None:
        """What keeps it from buying now."""
        return limit_of(self.facts)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that is looked at to say why nothing comes."""

    standing: ContractStanding
    met: Met
    narrowest: Narrowest | None
    quality: int | None  # leads that only the quality asked for keeps out; None: few
    asked: Money | None  # the median of what is asked for leads that fit
    guidance: PriceGuidance | None
    known_people: int  # on the buyer's own lists
    refusals: Sequence[Refused]  # what it asked for and did not get, the commonest reason first
    is_schema_newest: bool
    has_asked_people: bool  # by any version of its terms: refusals of all of them are one count

    def tells_refused(self, leads: int) -> bool:
        """Whether it may be said that so many leads were refused for one reason."""
        return leads >= COUNT_MIN or not self.has_asked_people


def contract_standings(
    contracts: Sequence[Contract], *, glance: bool = True
) -> list[ContractStanding]:
    """These contracts of one buyer with their facts; without a glance nobody looks at supply."""
    now = clock.now()
    asked = [(contract, terms_of(contract)) for contract in contracts]
    used, stuck, wallets = cap_uses(asked, now=now), _stuck(contracts, now), _Wallets()
    seen = {
        contract.vertical_id: supply(
            contract.vertical_id,
            viewer=contract.organization_id,
            days=SUPPLY_DAYS,
            sample_max=GLANCE_MAX,
        )
        for contract in contracts
        if glance and contract.status is ContractStatus.ACTIVE
    }
    return [
        ContractStanding(
            contract,
            Facts(
                status=contract.status,
                may_trade=get(Organization, contract.organization_id).is_approved,
                terms=terms,
                price=contract.price.amount,
                wallet=wallets.of(contract),
                now=now,
                used=used[contract.id],
                stuck=stuck.get(contract.id, 0),
                met=_met(_look(contract, terms, seen[contract.vertical_id]), terms)
                if contract.vertical_id in seen
                else None,
            ),
        )
        for contract, terms in asked
    ]


def diagnosis(contract: Contract) -> Diagnosis:
    """Why nothing comes by a contract, or that something would."""
    standing = contract_standings([contract], glance=False)[0]
    terms, vertical = standing.facts.terms, vertical_of(contract.vertical_id)
    seen = supply(
        contract.vertical_id,
        viewer=contract.organization_id,
        days=SUPPLY_DAYS,
        sample_max=SAMPLE_MAX,
    )
    look = _look(contract, terms, seen)
    met, quality = _met(look, terms), _only(look, QUALITY)
    return Diagnosis(
        standing=replace(standing, facts=replace(standing.facts, met=met)),
        met=met,
        narrowest=_narrowest(look),
        quality=quality * seen.step if is_told(terms, quality) else None,
        asked=_asked(look, contract.price.currency) if met.is_told else None,
        guidance=price_guidance(vertical.id, currency=vertical.currency),
        refusals=refusals_of_contract(contract.id, days=SUPPLY_DAYS),
        known_people=people.count_people(owner_id=contract.organization_id),
        is_schema_newest=catalog.get_schema(vertical).id == contract.schema_id,
        has_asked_people=has_asked_people(contract.id),
    )


QUALITY: Final = frozenset({
    Misfit.QUALITY_CLASS, Misfit.AGE, Misfit.BAD_UPPER, Misfit.UNCHECKED, Misfit.SELLER,
    Misfit.SOURCE,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """Each lead of the supply with every reason why the contract does not take it."""

    terms: Terms  # resolved
    step: int
    pairs: Sequence[tuple[Seen, frozenset[Misfit]]]


class _Wallets:
    """What can be spent, each wallet asked once."""

    def __init__(self) -> None:
        self._found: dict[tuple[UUID, Currency], int] = {}

    def of(self, contract: Contract) -> int:
        key = (contract.organization_id, contract.price.currency)
        if key not in self._found:
            self._found[key] = billing.spendable(*key).amount
        return self._found[key]


def _look(contract: Contract, terms: Terms, seen: Supply) -> _Look:
    today = clock.now().astimezone(ZoneInfo(terms.time_zone)).date()
    country = vertical_of(contract.vertical_id).country
    asked = seen.asked_openly(resolve(terms, country=country, day=today))

    def reasons(one: Seen) -> frozenset[Misfit]:
        price = terms.price_at(one.came_at, price=contract.price.amount)
        return frozenset(misfits(asked, one.facts, price=price, now=one.came_at))

    return _Look(asked, seen.step, [(one, reasons(one)) for one in seen.leads])


def _met(look: _Look, terms: Terms) -> Met:
    fit = sum(1 for _, reasons in look.pairs if not reasons - {Misfit.PRICE})
    paid = sum(1 for _, reasons in look.pairs if not reasons)
    seen, step = len(look.pairs), look.step
    return Met(seen * step, fit * step, paid * step, is_told(terms, fit))


def _only(look: _Look, among: frozenset[Misfit]) -> int:
    """Leads that nothing but these reasons keeps out; the price is another matter."""
    left = (reasons - {Misfit.PRICE} for _, reasons in look.pairs)
    return sum(1 for reasons in left if reasons and reasons <= among)


def _narrowest(look: _Look) -> Narrowest | None:
    gained: Counter[tuple[Misfit, tuple[str, ...]]] = Counter()
    missed: Counter[tuple[Misfit, tuple[str, ...]]] = Counter()
    for one, reasons in look.pairs:
        named = list(_named(look.terms.criteria, one, reasons))
        missed.update(named)
        if len(named) == 1:
            gained.update(named)
    for counts in (gained, missed):
        if counts:
            (misfit, fields), count = counts.most_common(1)[0]
            gain = count if counts is gained else 0
            told = gain * look.step if is_told(look.terms, gain) else None
            return Narrowest(misfit, fields, told)
    return None


def _named(
    criteria: Criteria, one: Seen, reasons: frozenset[Misfit]
) -> Sequence[tuple[Misfit, tuple[str, ...]]]:
    """The filters that a lead misses, the criteria by their parts; the price is none of them."""
    named: list[tuple[Misfit, tuple[str, ...]]] = [
        (reason, ()) for reason in Misfit if reason in reasons - {Misfit.PRICE, Misfit.CRITERIA}
    ]
    if Misfit.CRITERIA in reasons:
        parts = criteria.parts if isinstance(criteria, All) else (criteria,)
        named += [
            (Misfit.CRITERIA, tuple(dict.fromkeys(condition_fields(part))))
            for part in parts
            if not matches(part, one.facts.attributes)
        ]
    return named


def _asked(look: _Look, currency: Currency) -> Money | None:
    """The median of what is asked for the leads that fit."""
    asked = sorted(
        one.facts.price_min for one, reasons in look.pairs if not reasons - {Misfit.PRICE}
    )
    return Money(asked[len(asked) // 2], currency) if asked else None


def _stuck(contracts: Sequence[Contract], now: datetime) -> Mapping[UUID, int]:
    """By contract, orders that were not delivered in time."""
    rows = db.session.execute(
        select(Order.contract_id, func.count().label("orders"))
        .where(
            Order.contract_id.in_([contract.id for contract in contracts]),
            Order.status == OrderStatus.CONFIRMED,
            Order.created_at < now - STUCK_AFTER,
        )
        .group_by(Order.contract_id)
    )
    return {row.contract_id: row.orders for row in rows}
