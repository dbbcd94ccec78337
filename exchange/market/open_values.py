"""What may be asked of leads before one is bought: what is shown of them, or what five share. Pure.

Counts can be compared: of two questions that differ by one condition the difference is a person.
No rounding helps against who adds others to a question until it crosses the step. So an answer is
made from what could be shown instead. What masked leads show may be asked exactly. A text, link or
postal code, which they hide, counts as not filled in where fewer than five on sale share it. Of a
date its year is asked, and what is of no known type counts as hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from exchange.catalog.criteria import All, AnyOf, Between, Criteria, In, Is, Not, Within
from exchange.catalog.fields import FieldType, Value

# What could tell who somebody is, alone or together, is not shown before it is bought.
HIDDEN: Final = frozenset({FieldType.TEXT, FieldType.URL, FieldType.POSTAL_CODE})
AREA: Final = 3  # characters of a postal code that stand for the country around it
Condition = Is | In | Between | Within
Types = Mapping[str, FieldType]  # by field
Shared = Mapping[str, Collection[Value]]  # by field, the values that enough leads share


def hidden_values(criteria: Criteria, types: Types) -> dict[str, set[Value]]:
    """By field that is hidden, the values that the criteria ask for."""
    found: dict[str, set[Value]] = {}
    for condition in _conditions(criteria):
        if types.get(condition.field) in HIDDEN:
            found.setdefault(condition.field, set()).update(_values(condition))
    return found


def area(postal_code: str) -> str:
    """The part of the country that the code lies in: what forecasts know of where people live."""
    return postal_code[:AREA]


def openly(criteria: Criteria, *, types: Types, shared: Shared) -> Criteria:
    """The criteria of a day as they may be answered before anything is bought."""
    match criteria:
        case All(parts) | AnyOf(parts):
            return type(criteria)(tuple(openly(p, types=types, shared=shared) for p in parts))
        case Not(part):
            return Not(openly(part, types=types, shared=shared))
    kind = types.get(criteria.field)
    if kind is None or kind in HIDDEN:
        known = shared.get(criteria.field, ())
        return In(criteria.field, tuple(v for v in _values(criteria) if v in known))
    return _by_year(criteria) if kind is FieldType.DATE else criteria


def _conditions(criteria: Criteria) -> Iterator[Condition]:
    match criteria:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _conditions(part)
        case Not(part):
            yield from _conditions(part)
        case _:
            yield criteria


def _values(condition: Condition) -> tuple[Value, ...]:
    """The values that are asked for one by one; texts have no ranges."""
    if isinstance(condition, Is):
        return (condition.value,)
    return condition.values if isinstance(condition, In) else ()


def _by_year(condition: Condition) -> Criteria:
    if isinstance(condition, Between):
        return _years(condition.field, condition.low, condition.high)
    return AnyOf(tuple(_years(condition.field, day, day) for day in _values(condition)))


def _years(field: str, low: Value | None, high: Value | None) -> Between:
    """From the first day of the one year to the last day of the other."""
    first = None if low is None else f"{str(low)[:4]}-01-01"
    last = None if high is None else f"{str(high)[:4]}-12-31"
    return Between(field, first, last)
