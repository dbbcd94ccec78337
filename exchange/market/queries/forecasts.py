"""What a contract would have met in the last 30 days, and what that says of a week.

Leads that came on sale are asked as matching asks them, at the moment at which they came: while
the schedule was closed none counts. Of those that fit, one counts as won where the contract would
have paid what its listing asks, and where fewer other contracts came before it for the lead than
it has slots. Who pays for actions comes after all who pay for leads, and gets what is sold to
contracts alone (decision record 0046). How the range is worked out stands in `forecasting`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from statistics import fmean
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Money
from exchange.market.contract_terms import Terms
from exchange.market.filters import COUNT_MIN
from exchange.market.fitting import Misfit, misfits
from exchange.market.forecasting import (
    DAYS_MIN,
    Range,
    budget_a_week,
    by_day,
    days_until_spent,
    leads_a_week,
    week_range,
)
from exchange.market.models import LineStatus, OrderLine, PricingModel
from exchange.market.queries.contracts import resolve
from exchange.market.queries.stock import in_list
from exchange.market.queries.supply import Seen, Supply, supply

HISTORY_DAYS: Final = 30
PRICE: Final = OrderLine.__table__.c.price_amount
Standing = tuple[bool, int]  # whether the lead itself is paid for, and the price: more is better
Silence = Literal["no_history", "little_history", "too_few"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a week brings; where `silence` says why, there are no figures."""

    days: int  # of history
    looked_at: int  # leads, each standing for one or more that came on sale
    price: Money
    silence: Silence | None = None
    matched: int | None = None  # in those days
    week: Range | None = None  # leads that fit
    won: Range | None = None  # of them, at this price and within the caps
    spend: Range | None = None  # minor units; None under CPA: it depends on actions
    wallet: Money | None = None  # what contracts of the buyer can spend now
    wallet_days: Range | None = None  # until it is spent, nothing else bought; HISTORY_DAYS at most
    limited_by: Literal["cap", "budget"] | None = None

    def money(self, amount: int) -> Money:
        """Minor units of it in the currency of the price."""
        return Money(amount, self.price.currency)


def forecast(
    terms: Terms,
    *,
    price: Money,
    vertical: Vertical,
    viewer: UUID,
    contract_id: UUID | None = None,
) -> Forecast:
    """What terms at this price would bring; of a contract that exists its own lines do not compete.

    Under five people with attributes asked for no number is told (decision 26).
    """
    seen = supply(vertical.id, viewer=viewer, days=HISTORY_DAYS)
    days = _days(seen)
    if not seen.leads or not days:
        return Forecast(0, 0, price, "no_history")
    fitting = fitting_leads(terms, seen, price=price.amount, vertical=vertical)
    matched, looked_at = len(fitting) * seen.step, len(seen.leads)
    if not is_told(terms, len(fitting)):
        return Forecast(days, looked_at, price, "too_few")
    if days < DAYS_MIN:
        return Forecast(days, looked_at, price, "little_history", matched)
    won = _won(fitting, terms, price=price.amount, contract_id=contract_id)
    found = Forecast(days, looked_at, price, matched=matched)
    wallet = billing.wallets([viewer], currency=price.currency)[viewer]
    return _with_wallet(
        _with_figures(found, terms, fitting=fitting, won=won, step=seen.step), wallet
    )


def fitting_leads(terms: Terms, seen: Supply, *, price: int, vertical: Vertical) -> list[Seen]:
    """Those that the terms ask for, whatever they cost, while the schedule was open."""
    today = clock.now().astimezone(ZoneInfo(terms.time_zone)).date()
    asked = seen.asked_openly(resolve(terms, country=vertical.country, day=today))
    return [
        one
        for one in seen.leads
        if terms.is_open(one.came_at)
        and not set(misfits(asked, one.facts, price=price, now=one.came_at)) - {Misfit.PRICE}
    ]


def is_told(terms: Terms, people: int) -> bool:
    """Whether a count under these terms may be said: attributes hide what is under five.

    `people` are those who were looked at: of a sample each of them stands for more.
    """
    return people >= COUNT_MIN or not terms.asks_people


def _days(seen: Supply) -> int:
    """Of how many days there is a history."""
    if seen.first_at is None:
        return 0
    return min(HISTORY_DAYS, ceil((clock.now() - seen.first_at) / timedelta(days=1)))


def _won(
    fitting: Sequence[Seen], terms: Terms, *, price: int, contract_id: UUID | None
) -> list[Seen]:
    pays_lead = terms.action is None
    ours: dict[UUID, Standing] = {
        one.lead_id: (pays_lead, terms.price_at(one.came_at, price=price)) for one in fitting
    }
    paid = [
        one
        for one in fitting
        if ours[one.lead_id][1] >= one.facts.price_min and (pays_lead or one.for_contracts)
    ]
    rivals = _rivals([one.lead_id for one in paid], without=contract_id)
    return [
        one
        for one in paid
        if sum(other >= ours[one.lead_id] for other in rivals[one.lead_id]) < one.sales_max
    ]


def _rivals(lead_ids: Sequence[UUID], *, without: UUID | None) -> Mapping[UUID, list[Standing]]:
    """By lead, how the other contracts stood that got it."""
    rows = db.session.execute(
        select(OrderLine.lead_id, OrderLine.pricing_model, PRICE.label("price")).where(
            in_list(OrderLine.lead_id, lead_ids),
            OrderLine.contract_id.is_not(None),
            OrderLine.contract_id.is_distinct_from(without),
            OrderLine.status != LineStatus.RELEASED,
        )
    )
    found: defaultdict[UUID, list[Standing]] = defaultdict(list)
    for row in rows:
        found[row.lead_id].append((row.pricing_model is PricingModel.CPL, row.price))
    return found


def _with_figures(
    found: Forecast, terms: Terms, *, fitting: Sequence[Seen], won: Sequence[Seen], step: int
) -> Forecast:
    free = _week(won, found.days, step=step)
    by_leads = free.at_most(leads_a_week(terms.caps))
    each = round(_mean_price(won, terms, price=found.price.amount))
    within = by_leads.at_most(budget_a_week(terms.caps) / each)
    return replace(
        found,
        week=_week(fitting, found.days, step=step),
        won=within,
        spend=within * each if terms.action is None else None,
        limited_by="budget" if within != by_leads else "cap" if by_leads != free else None,
    )


def _with_wallet(found: Forecast, wallet: int) -> Forecast:
    days = found.spend and days_until_spent(wallet, found.spend, most=HISTORY_DAYS)
    return replace(found, wallet=found.money(wallet), wallet_days=days)


def _mean_price(won: Sequence[Seen], terms: Terms, *, price: int) -> float:
    """What a lead costs on average: rows of the schedule may have prices of their own."""
    return fmean([terms.price_at(one.came_at, price=price) for one in won] or [price])


def _week(leads: Sequence[Seen], days: int, *, step: int) -> Range:
    now = clock.now()
    ages = ((now - one.came_at) / timedelta(days=1) for one in leads)
    found = week_range(by_day(ages, days=days, step=step), step=step)
    assert found is not None  # under a week of history nobody asks
    return found
