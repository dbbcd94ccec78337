"""What keeps a contract from buying now, by facts that somebody else has collected. Pure.

The list, its page and the program's answer say the same: the first limit in this order is the
status that is shown, all of them are the checklist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from exchange.market.contract_models import ContractStatus
from exchange.market.contract_terms import Period, Terms


class Limit(StrEnum):
    """In the order in which they are looked at: what is nearest to the buyer's hand first."""

    ACCOUNT = "account"  # its organization may not trade
    NOT_STARTED = "not_started"
    OVER = "over"
    SCHEDULE = "schedule"
    CAP = "cap"  # of leads
    BUDGET = "budget"  # a cap of money
    FUNDS = "funds"
    DELIVERY = "delivery"
    FILTER = "filter"
    PRICE = "price"


class Used(NamedTuple):
    """What a contract took in one period of its clock."""

    leads: int = 0
    amount: int = 0  # minor units


@dataclass(frozen=True, slots=True)
class Met:
    """How a contract meets what came on sale lately; counts of leads."""

    seen: int  # came on sale
    fit: int  # of them, whatever they cost
    paid: int  # of these, the contract pays what is asked
    is_told: bool = True  # False: so few fit that no number is said


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is asked of a contract at a moment."""

    status: ContractStatus
    may_trade: bool  # its organization
    terms: Terms
    price: int  # minor units
    wallet: int
    now: datetime
    used: Mapping[Period, Used] = field(default_factory=dict)
    stuck: int = 0  # orders that wait for delivery too long
    met: Met | None = None  # None: nobody looked

    @property
    def price_now(self) -> int:
        """What a lead costs at this moment of the schedule."""
        return self.terms.price_at(self.now, price=self.price)


def limit_of(facts: Facts) -> Limit | None:
    """The first thing that keeps an active contract from buying; None: nothing, or it is off."""
    if facts.status is not ContractStatus.ACTIVE:
        return None
    return next(limits(facts), None)


def limits(facts: Facts) -> Iterator[Limit]:
    """Everything that would keep the contract from buying if it were on."""
    terms, met = facts.terms, facts.met
    holds = {
        Limit.ACCOUNT: not facts.may_trade,
        Limit.NOT_STARTED: terms.starts_at is not None and facts.now < terms.starts_at,
        Limit.OVER: terms.ends_at is not None and facts.now >= terms.ends_at,
        Limit.SCHEDULE: not terms.is_open(facts.now),
        Limit.CAP: capped(facts) is not None,
        Limit.BUDGET: out_of_budget(facts) is not None,
        Limit.FUNDS: facts.wallet < facts.price_now,
        Limit.DELIVERY: facts.stuck > 0,
        Limit.FILTER: met is not None and met.seen > 0 and met.fit == 0,
        Limit.PRICE: met is not None and met.fit > 0 and met.paid == 0,
    }
    return (limit for limit, is_so in holds.items() if is_so)


def capped(facts: Facts) -> Period | None:
    """The longest period whose cap of leads is reached."""
    reached = [
        period
        for period, most in facts.terms.caps.leads.items()
        if facts.used.get(period, Used()).leads >= most
    ]
    return _longest(reached)


def out_of_budget(facts: Facts) -> Period | None:
    """The longest period in which no further lead fits under the cap of money."""
    reached = [
        period
        for period, most in facts.terms.caps.amount.items()
        if facts.used.get(period, Used()).amount + facts.price_now > most
    ]
    return _longest(reached)


def _longest(periods: list[Period]) -> Period | None:
    return max(periods, key=list(Period).index, default=None)
