"""Whether what a contract asks holds together: every mistake at once, by its JSON pointer. Pure.

The pointers are those of the flat form in which a contract is sent: `/price`, `/caps/leads/day`,
`/schedule/0/to`. Whether a place is known is asked by the verb: it takes the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import time
from itertools import combinations
from typing import Final
from zoneinfo import available_timezones

from exchange.catalog.fields import LeadFields, postal_area, postal_code_pattern
from exchange.catalog.places import KM_MAX
from exchange.catalog.policies import PRICE_MAX
from exchange.core import ids
from exchange.core.errors import FieldProblem
from exchange.core.money import Currency, Money
from exchange.market.contract_terms import Opening, Terms
from exchange.market.models import PricingModel

NAME_MAX: Final = 100
TRIAL_MAX: Final = 100
CAP_MAX: Final = 1_000_000_000_000  # minor units or leads: what a sum of them can hold
AGE_HOURS_MAX: Final = 24 * 366
LIST_MAX: Final = 2_000  # of postal codes, regions, sellers and sources each
OPENINGS_MAX: Final = 50
ACTION_MAX: Final = 200  # characters
# Without those that mean something else on the next machine.
TIME_ZONES: Final = available_timezones() - {"localtime", "Factory"}
YEARS: Final = range(2000, 2200)  # every zone can tell the time in them
DAYS_MAX: Final = 365  # to report an action, and to decide about it
REGION: Final = "region"
SELLER, SOURCE = "org", "src"  # what the ids of the lists begin with


@dataclass(frozen=True, slots=True)
class Market:
    """The vertical in which a contract is made, as far as its terms must fit it."""

    currency: Currency
    country: str
    fields: LeadFields


@dataclass(frozen=True, slots=True)
class Offer:
    """What a version of a contract says in all."""

    name: str
    pricing_model: PricingModel
    price: Money
    terms: Terms


def problems(offer: Offer, market: Market) -> Iterator[FieldProblem]:
    """Everything that is wrong with it; nothing: it can be drafted."""
    yield from _name(offer.name)
    yield from _price(offer.price, market)
    yield from _places(offer.terms, market)
    yield from _sides(offer.terms)
    yield from _quality(offer.terms)
    yield from _caps(offer)
    yield from _schedule(offer.terms.schedule)
    yield from _time(offer.terms)
    yield from _trial(offer.terms)
    yield from _action(offer)


def _problem(pointer: str, code: str, detail: str) -> FieldProblem:
    return FieldProblem(pointer, code, detail)


def _name(name: str) -> Iterator[FieldProblem]:
    if not 0 < len(name.strip()) <= NAME_MAX:
        yield _problem("/name", "length", f"A name has 1 to {NAME_MAX} characters.")


def _price(price: Money, market: Market) -> Iterator[FieldProblem]:
    if price.currency is not market.currency:
        detail = f"Leads of this vertical are paid in {market.currency}."
        yield _problem("/price", "currency_fixed", detail)
    if not 0 < price.amount <= PRICE_MAX:
        yield _problem("/price", "price_invalid", "A price is more than nothing.")


def _places(terms: Terms, market: Market) -> Iterator[FieldProblem]:
    spec = market.fields.by_name.get(REGION)
    known = spec.choice_by_value if spec and spec.choices else {}
    for number, region in enumerate(terms.regions):
        if known and region not in known:
            yield _problem(f"/regions/{number}", "value_not_allowed", "There is no such region.")
    looks = postal_code_pattern(market.country).fullmatch
    for number, code in enumerate(terms.postal_codes):
        area, detail = postal_area(code), f"“{code}” is not a postal code of the country."
        if area != code:
            detail = f"Leads are found by five digits: list {area} instead of {code}."
        if area != code or not looks(code):
            yield _problem(f"/postal_codes/{number}", "postal_code_invalid", detail)
    if terms.radius is not None and not 1 <= terms.radius.km <= KM_MAX:
        yield _problem("/radius/km", "range", f"A radius is 1 to {KM_MAX} km.")
    for name in ("regions", "postal_codes"):
        yield from _not_too_long(name, getattr(terms, name))


def _sides(terms: Terms) -> Iterator[FieldProblem]:
    lists = (("sellers_only", SELLER), ("sellers_never", SELLER), ("sources_never", SOURCE))
    for name, prefix in lists:
        listed = getattr(terms, name)
        yield from _not_too_long(name, listed)
        for number, text in enumerate(listed):
            if ids.decode(prefix, text) is None:
                detail = f"“{text}” is not an id that begins with {prefix}_."
                yield _problem(f"/{name}/{number}", "invalid", detail)
    if not set(terms.sellers_only).isdisjoint(terms.sellers_never):
        detail = "A seller stands in both lists."
        yield _problem("/sellers_never", "contradiction", detail)


def _not_too_long(name: str, listed: Collection[str]) -> Iterator[FieldProblem]:
    if len(listed) > LIST_MAX:
        yield _problem(f"/{name}", "too_many", f"At most {LIST_MAX} entries.")


def _quality(terms: Terms) -> Iterator[FieldProblem]:
    if not terms.kinds:
        yield _problem("/kinds", "missing_required", "Choose at least one kind of sale.")
    age, bad = terms.age_hours_max, terms.bad_upper_max_bps
    if age is not None and not 1 <= age <= AGE_HOURS_MAX:
        yield _problem("/age_hours_max", "range", "An age is an hour to a year.")
    if bad is not None and not 1 <= bad <= 10_000:  # basis points
        detail = "A share is more than nothing and at most 100 %."
        yield _problem("/bad_upper_max_bps", "range", detail)


def _caps(offer: Offer) -> Iterator[FieldProblem]:
    caps = offer.terms.caps
    for kind, held in (("leads", caps.leads), ("amount", caps.amount)):
        for period, most in held.items():
            if not 0 < most <= CAP_MAX:
                yield _problem(f"/caps/{kind}/{period}", "range", "A cap is more than nothing.")
    if offer.pricing_model is PricingModel.CPA:
        detail = "An action is paid whenever it comes: cap the leads. The pool limits the money."
        yield from (
            _problem(f"/caps/amount/{period}", "per_action", detail) for period in caps.amount
        )
        return
    for period, most in caps.amount.items():
        if 0 < most < offer.price.amount:
            detail = "At this price the cap never buys a lead."
            yield _problem(f"/caps/amount/{period}", "below_price", detail)


def _schedule(schedule: tuple[Opening, ...]) -> Iterator[FieldProblem]:
    if len(schedule) > OPENINGS_MAX:
        yield _problem("/schedule", "too_many", f"At most {OPENINGS_MAX} rows.")
        return
    for number, span in enumerate(schedule):
        here = f"/schedule/{number}"
        if not span.days or not span.days <= set(range(7)):
            yield _problem(f"{here}/days", "invalid", "Choose days from 0 (Monday) to 6 (Sunday).")
        if _end(span) <= span.begins:
            yield _problem(f"{here}/to", "empty_range", "A row ends after it begins.")
        if span.price is not None and not 0 < span.price <= PRICE_MAX:
            yield _problem(f"{here}/price", "price_invalid", "A price is more than nothing.")
    for (one, first), (other, second) in combinations(enumerate(schedule), 2):
        if _overlap(first, second):
            detail = f"Rows {one + 1} and {other + 1} overlap."
            yield _problem(f"/schedule/{other}", "overlap", detail)


def _end(span: Opening) -> time:
    return time.max if span.ends == time() else span.ends


def _overlap(first: Opening, second: Opening) -> bool:
    in_time = first.begins < _end(second) and second.begins < _end(first)
    return in_time and not first.days.isdisjoint(second.days)


def _time(terms: Terms) -> Iterator[FieldProblem]:
    if terms.time_zone not in TIME_ZONES:
        yield _problem("/time_zone", "unknown_time_zone", "There is no such time zone.")
    begins, ends = terms.starts_at, terms.ends_at
    for name, moment in (("starts_at", begins), ("ends_at", ends)):
        if moment is not None and (moment.tzinfo is None or moment.year not in YEARS):
            detail = f"Say the moment with its zone, from {YEARS[0]} to {YEARS[-1]}."
            yield _problem(f"/{name}", "date_invalid", detail)
            return
    if begins is not None and ends is not None and ends <= begins:
        yield _problem("/ends_at", "empty_range", "It ends after it starts.")


def _trial(terms: Terms) -> Iterator[FieldProblem]:
    if terms.trial_leads is not None and not 1 <= terms.trial_leads <= TRIAL_MAX:
        yield _problem("/trial_leads", "range", f"A trial is 1 to {TRIAL_MAX} leads.")


def _action(offer: Offer) -> Iterator[FieldProblem]:
    action, is_cpa = offer.terms.action, offer.pricing_model is PricingModel.CPA
    if action is None:
        if is_cpa:
            yield _problem("/action", "missing_required", "Say which action is paid for.")
        return
    if not is_cpa:
        yield _problem("/action", "only_cpa", "Actions are paid for under CPA only.")
    if not 0 < len(action.action.strip()) <= ACTION_MAX:
        detail = f"Name the action in 1 to {ACTION_MAX} characters."
        yield _problem("/action/action", "length", detail)
    for name in ("attribution_days", "decision_days"):
        if not 1 <= getattr(action, name) <= DAYS_MAX:
            yield _problem(f"/action/{name}", "range", f"1 to {DAYS_MAX} days.")
