"""What keeps a contract from buying, in words: the reason beside its status, and its checklist.

Sentences are for the catalogs; pages translate them and show money and moments in the reader's
way, programs get the English.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from exchange.buyers.refusing import refused
from exchange.catalog.fields import LeadFields
from exchange.core.money import Money
from exchange.market.contract_health import (
    Facts,
    Limit,
    Used,
    capped,
    limits,
    out_of_budget,
)
from exchange.market.contract_models import ContractStatus
from exchange.market.contract_terms import Period
from exchange.market.fitting import Misfit
from exchange.market.queries import ContractStanding, Diagnosis, Narrowest

N_ = str  # marks a sentence for the catalogs
Value = str | int | Money | datetime


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with the values that stand in it."""

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def in_english(self) -> str:
        """The sentence as programs get it."""
        return self.text % {name: _plain(value) for name, value in self.values.items()}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist; `fix` names what would mend it."""

    code: str
    ok: bool | None  # None: it cannot be told
    label: str
    detail: Said
    fix: str = ""  # wallet, edit, price, lists, sources, orders, resume, account


LABELS: Final[Mapping[str, str]] = {
    "account": N_("Your organization may trade"),
    "status": N_("The contract is on"),
    "time": N_("Between its start and its end"),
    "schedule": N_("Open by its schedule now"),
    "caps": N_("Caps are not reached"),
    "funds": N_("The wallet covers a lead"),
    "delivery": N_("Orders are delivered"),
    "supply": N_("Leads come on sale"),
    "filters": N_("Filters let leads through"),
    "quality": N_("The quality asked for exists"),
    "price": N_("The price is what is asked"),
    "refusals": N_("It gets what it asks for"),
    "duplicates": N_("Your own lists of people"),
    "schema": N_("The fields are the newest"),
}
CAPPED: Final[Mapping[Period, str]] = {
    Period.HOUR: N_("by its cap: %(used)s of %(most)s leads this hour"),
    Period.DAY: N_("by its cap: %(used)s of %(most)s leads today"),
    Period.WEEK: N_("by its cap: %(used)s of %(most)s leads this week"),
    Period.MONTH: N_("by its cap: %(used)s of %(most)s leads this month"),
    Period.TOTAL: N_("by its cap: %(used)s of %(most)s leads in all"),
}
OUT_OF_BUDGET: Final[Mapping[Period, str]] = {
    Period.HOUR: N_("by its budget: %(used)s of %(most)s this hour"),
    Period.DAY: N_("by its budget: %(used)s of %(most)s today"),
    Period.WEEK: N_("by its budget: %(used)s of %(most)s this week"),
    Period.MONTH: N_("by its budget: %(used)s of %(most)s this month"),
    Period.TOTAL: N_("by its budget: %(used)s of %(most)s in all"),
}
MISFITS: Final[Mapping[Misfit, str]] = {
    Misfit.KIND: N_("exclusive or shared"),
    Misfit.REGION: N_("regions"),
    Misfit.POSTAL_CODE: N_("postal codes"),
    Misfit.QUALITY_CLASS: N_("quality classes"),
    Misfit.AGE: N_("the age"),
    Misfit.BAD_UPPER: N_("the most bad leads"),
    Misfit.UNCHECKED: N_("only people we called"),
    Misfit.SELLER: N_("sellers"),
    Misfit.SOURCE: N_("sources"),
    Misfit.CRITERIA: N_("answers"),
    Misfit.PRICE: N_("the price"),
}


def reason(standing: ContractStanding) -> Said | None:
    """Why an active contract does not buy now, in words; None: nothing keeps it from buying."""
    return None if standing.limit is None else _limited(standing, standing.limit)


def checks(found: Diagnosis, fields: LeadFields, *, language: str) -> list[Check]:
    """The whole checklist, what is nearest to the buyer's hand first."""
    standing = found.standing
    return [*_switches(standing), *_money(standing), *_market(found, fields, language=language)]


def _limited(standing: ContractStanding, limit: Limit) -> Said:
    facts, currency = standing.facts, standing.contract.price.currency
    if limit is Limit.CAP:
        return _cap(facts)
    if limit is Limit.BUDGET:
        return _budget(standing)
    values: dict[str, Value] = {
        "at": facts.terms.starts_at or facts.now,
        "zone": facts.terms.time_zone,
        "price": Money(facts.price_now, currency),
        "wallet": Money(facts.wallet, currency),
        "orders": facts.stuck,
        "seen": facts.met.seen if facts.met else 0,
    }
    text = _WORDS[limit]
    return Said(text, {name: value for name, value in values.items() if f"%({name})s" in text})


_WORDS: Final[Mapping[Limit, str]] = {
    Limit.ACCOUNT: N_("your organization may not trade"),
    Limit.NOT_STARTED: N_("before its start, %(at)s"),
    Limit.OVER: N_("its end has passed"),
    Limit.SCHEDULE: N_("by its schedule: closed now in %(zone)s"),
    Limit.FUNDS: N_("by funds: a lead costs %(price)s, the wallet holds %(wallet)s"),
    Limit.DELIVERY: N_("by delivery: %(orders)s orders are not delivered yet"),
    Limit.FILTER: N_("by its filters: none of about %(seen)s leads of the last 7 days fits"),
    Limit.PRICE: N_("by its price: every lead that fits asks more"),
}


def _cap(facts: Facts) -> Said:
    period = capped(facts)
    assert period is not None  # the limit says so
    used = facts.used.get(period, Used()).leads
    return Said(CAPPED[period], {"used": used, "most": facts.terms.caps.leads[period]})


def _budget(standing: ContractStanding) -> Said:
    facts, currency = standing.facts, standing.contract.price.currency
    period = out_of_budget(facts)
    assert period is not None  # the limit says so
    used = Money(facts.used.get(period, Used()).amount, currency)
    most = Money(facts.terms.caps.amount[period], currency)
    return Said(OUT_OF_BUDGET[period], {"used": used, "most": most})


def _check(code: str, detail: Said, *, ok: bool | None, fix: str = "") -> Check:
    return Check(code, ok, LABELS[code], detail, "" if ok else fix)


def _switches(standing: ContractStanding) -> Iterator[Check]:
    facts, held = standing.facts, set(limits(standing.facts))
    detail = Said(N_("approved")) if facts.may_trade else _limited(standing, Limit.ACCOUNT)
    yield _check("account", detail, ok=facts.may_trade, fix="account")
    is_on = facts.status is ContractStatus.ACTIVE
    yield _check("status", Said(STATUS_WORDS[facts.status]), ok=is_on, fix="resume")
    late = next((limit for limit in (Limit.NOT_STARTED, Limit.OVER) if limit in held), None)
    usual = Said(N_("no date keeps it from buying"))
    yield _check("time", _limited(standing, late) if late else usual, ok=late is None, fix="edit")
    is_open = Limit.SCHEDULE not in held
    usual = Said(N_("open, by the clock of %(zone)s"), {"zone": facts.terms.time_zone})
    closed = usual if is_open else _limited(standing, Limit.SCHEDULE)
    yield _check("schedule", closed, ok=is_open, fix="edit")


STATUS_WORDS: Final[Mapping[ContractStatus, str]] = {
    ContractStatus.DRAFT: N_("a draft buys nothing: activate it"),
    ContractStatus.ACTIVE: N_("active"),
    ContractStatus.PAUSED: N_("paused: resume it"),
    ContractStatus.ENDED: N_("ended"),
}


def _money(standing: ContractStanding) -> Iterator[Check]:
    facts, held = standing.facts, set(limits(standing.facts))
    full = next((limit for limit in (Limit.CAP, Limit.BUDGET) if limit in held), None)
    usual = Said(N_("there is room for another lead"))
    yield _check("caps", _limited(standing, full) if full else usual, ok=full is None, fix="edit")
    has_funds = Limit.FUNDS not in held
    wallet = Money(facts.wallet, standing.contract.price.currency)
    usual = Said(N_("the wallet holds %(wallet)s"), {"wallet": wallet})
    short = usual if has_funds else _limited(standing, Limit.FUNDS)
    yield _check("funds", short, ok=has_funds, fix="wallet")
    usual = Said(N_("no order waits"))
    late = _limited(standing, Limit.DELIVERY) if facts.stuck else usual
    yield _check("delivery", late, ok=not facts.stuck, fix="orders")


def _market(found: Diagnosis, fields: LeadFields, *, language: str) -> Iterator[Check]:
    met = found.met
    supplied = Said(N_("about %(seen)s in the last 7 days"), {"seen": met.seen})
    yield _check("supply", supplied, ok=bool(met.seen) or None)
    fits = None if not met.seen else met.fit > 0
    yield _check("filters", _filtered(found, fields, language=language), ok=fits, fix="edit")
    yield _check("quality", _quality(found), ok=not met.seen or met.fit > 0 or found.quality == 0)
    yield _check("price", _price(found), ok=None if not met.fit else met.paid > 0, fix="price")
    yield _refused(found)
    text = N_("%(people)s hashes of people whom you listed: their leads are not bought")
    yield _check("duplicates", Said(text, {"people": found.known_people}), ok=True, fix="lists")
    usual = Said(N_("criteria are read with the newest fields of the vertical"))
    old = Said(N_("the vertical has newer fields; what is no field any more meets no condition"))
    detail = usual if found.is_schema_newest else old
    yield _check("schema", detail, ok=found.is_schema_newest or None, fix="edit")


def _filtered(found: Diagnosis, fields: LeadFields, *, language: str) -> Said:
    met, narrowest = found.met, found.narrowest
    if not met.is_told:
        return _few(narrowest, fields, language=language)
    values: dict[str, Value] = {"fit": met.fit, "seen": met.seen}
    if narrowest is None:
        return Said(N_("about %(fit)s of %(seen)s fit"), values)
    values["filter"] = _name(narrowest, fields, language=language)
    if not narrowest.leads:
        text = N_("about %(fit)s of %(seen)s fit; most miss several, first of all: %(filter)s")
        return Said(text, values)
    text = N_(
        "about %(fit)s of %(seen)s fit; one filter removes most, %(filter)s: without it"
        " %(gain)s more would fit"
    )
    return Said(text, {**values, "gain": narrowest.leads})


def _few(narrowest: Narrowest | None, fields: LeadFields, *, language: str) -> Said:
    if narrowest is None:
        return Said(N_("fewer than 5 fit"))
    name = _name(narrowest, fields, language=language)
    return Said(N_("fewer than 5 fit; one filter removes most: %(filter)s"), {"filter": name})


def _name(narrowest: Narrowest, fields: LeadFields, *, language: str) -> str:
    """What people call the filter; a part of the criteria goes by the fields it asks about."""
    if not narrowest.fields:
        return MISFITS[narrowest.misfit]
    known = (fields.by_name.get(name) for name in narrowest.fields)
    return ", ".join(
        spec.label_in(language) if spec else name
        for spec, name in zip(known, narrowest.fields, strict=True)
    )


def _quality(found: Diagnosis) -> Said:
    if found.quality is None:
        return Said(N_("fewer than 5 leads are kept out by it alone"))
    if not found.quality:
        return Said(N_("no lead is kept out by class, age, bad leads, seller or source alone"))
    text = N_("about %(leads)s leads are kept out by class, age, bad leads, seller or source alone")
    return Said(text, {"leads": found.quality})


def _refused(found: Diagnosis) -> Check:
    """What it asked for and did not get in seven days, by the reason that comes most often."""
    lines = refused(found)
    in_all = sum(one.leads for one in lines)
    if not lines:
        few = Said(N_("fewer than 5 leads were refused for any one reason in the last 7 days"))
        usual = Said(N_("nothing was refused in the last 7 days"))
        return _check("refusals", usual if found.tells_refused(0) else few, ok=True)
    most = lines[0]
    values: dict[str, Value] = {"reason": most.text, "leads": in_all, "most": most.leads}
    text = N_("%(leads)s leads were refused in the last 7 days; most, %(most)s: %(reason)s")
    return _check("refusals", Said(text, values), ok=False if most.fix else None, fix=most.fix)


def _price(found: Diagnosis) -> Said:
    price = Money(found.standing.facts.price_now, found.standing.contract.price.currency)
    if found.asked is None:
        return Said(N_("you pay %(price)s; what is asked cannot be told"), {"price": price})
    values: dict[str, Value] = {"price": price, "asked": found.asked}
    if found.guidance is None:
        return Said(N_("you pay %(price)s; half of the leads that fit ask %(asked)s"), values)
    text = N_("you pay %(price)s; half of the leads that fit ask %(asked)s; usual is %(paid)s")
    return Said(text, {**values, "paid": found.guidance.median})


def _plain(value: Value) -> str:
    if isinstance(value, Money):
        return f"{value.amount // 100}.{value.amount % 100:02} {value.currency}"
    return value.isoformat() if isinstance(value, datetime) else str(value)
