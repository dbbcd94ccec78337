"""What contracts ask and what a lead says, in the words of the maps of an index. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from exchange.catalog.criteria import All, Between, Criteria, In, Is
from exchange.market.contract_maps import Banned, Map, Ranges, Values
from exchange.market.contract_terms import Terms
from exchange.market.fitting import LeadFacts, kinds_met

Name = tuple[object, str]  # where a lead's value stands: of the lead, of an attribute by its type
Condition = tuple[type[Map], Name, Any]  # Any: what the map wants
Asked = Mapping[Name, Any]  # Any: what the lead says
LEAD: Final = "lead"


def asked_of(facts: LeadFacts, now: datetime) -> Asked:
    """What a lead says, by the names under which maps are asked."""
    said: dict[Name, Any] = {  # Any: see Asked
        (LEAD, "kind"): facts.kind,
        (LEAD, "region"): facts.region,
        (LEAD, "postal_code"): facts.postal_code,
        (LEAD, "quality_class"): facts.quality_class,
        (LEAD, "age"): now - facts.requested_at,
        (LEAD, "bad_upper"): facts.bad_upper * 10_000,
        (LEAD, "is_checked"): facts.is_checked,
        (LEAD, "seller"): facts.seller,
        (LEAD, "source"): facts.source,
    }
    for name, value in facts.attributes.items():
        kind = _kind(value)
        if kind is not None:
            said[kind, name], said[None, name] = value, (kind, value)
    return said


def _kind(value: object) -> type | None:
    """The type by which a condition and a value meet: in Python alone True equals 1."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None


def conditions(terms: Terms) -> tuple[list[Condition], tuple[Criteria, ...]]:
    """What a contract asks, as far as maps can say it, and the parts of its criteria that are left.

    Of two conditions of one kind about one field the second is left.
    """
    found, left = [*_of_lead(terms)], []
    for part in _conjunction(terms.criteria):
        condition = _of_attribute(part)
        if condition is None or condition[:2] in {one[:2] for one in found}:
            left.append(part)
        else:
            found.append(condition)
    return found, tuple(left)


def _of_lead(terms: Terms) -> Iterator[Condition]:
    yield Values, (LEAD, "kind"), kinds_met(terms)
    if terms.regions:
        yield Values, (LEAD, "region"), terms.regions
    if terms.postal_codes:
        yield Values, (LEAD, "postal_code"), terms.postal_codes
    if terms.quality_classes:
        yield Values, (LEAD, "quality_class"), terms.quality_classes
    if terms.age_hours_max is not None:
        yield Ranges, (LEAD, "age"), (None, timedelta(hours=terms.age_hours_max))
    if terms.bad_upper_max_bps is not None:
        yield Ranges, (LEAD, "bad_upper"), (None, terms.bad_upper_max_bps)
    if terms.checked_only:
        yield Values, (LEAD, "is_checked"), (True,)
    yield from _of_parties(terms)


def _of_parties(terms: Terms) -> Iterator[Condition]:
    if terms.sellers_only:
        yield Values, (LEAD, "seller"), terms.sellers_only
    if terms.sellers_never:
        yield Banned, (LEAD, "seller"), terms.sellers_never
    if terms.sources_never:
        yield Banned, (LEAD, "source"), terms.sources_never


def _conjunction(criteria: Criteria) -> Iterator[Criteria]:
    """The parts that must all hold."""
    if isinstance(criteria, All):
        for part in criteria.parts:
            yield from _conjunction(part)
    else:
        yield criteria


def _of_attribute(part: Criteria) -> Condition | None:
    match part:
        case Is(name, value):
            return Values, (None, name), ((_kind(value), value),)
        case In(name, values):
            return Values, (None, name), [(_kind(value), value) for value in values]
        case Between(name, low, high):
            kinds = {_kind(end) for end in (low, high) if end is not None}
            kind = kinds.pop() if len(kinds) == 1 else None
            return (Ranges, (kind, name), (low, high)) if kind in {float, str} else None
    return None
