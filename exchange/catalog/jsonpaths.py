"""Criteria as a jsonpath predicate: text that a row can hold, for questions over many of them.

`criteria.to_sql` writes one tree into a statement; where each row asks for something else, the
row holds its own path and `attributes @@ path` answers the same. SQL/JSON path language as
PostgreSQL reads it (lax mode): a missing attribute yields nothing, and nothing equals nothing.
"""

from __future__ import annotations

import json
from typing import Final

from exchange.catalog.criteria import All, AnyOf, Between, Criteria, In, Is, Not
from exchange.catalog.fields import Value

ALWAYS: Final = "true"


def to_jsonpath(criteria: Criteria) -> str:
    """A predicate over the attributes that answers as `criteria.matches` does."""
    return ALWAYS if criteria == All(()) else _predicate(criteria)


def _predicate(criteria: Criteria) -> str:
    match criteria:
        case Is(field, value):
            return _compared(field, [("==", value)])
        case In(field, values):
            return _joined("||", [_compared(field, [("==", value)]) for value in values])
        case Between(field, low, high):
            ends = ((">=", low), ("<=", high))
            return _compared(field, [(sign, end) for sign, end in ends if end is not None])
        case All(parts):
            return _joined("&&", [_predicate(part) for part in parts])
        case AnyOf(parts):
            return _joined("||", [_predicate(part) for part in parts])
        case Not(part):
            return f"(!{_predicate(part)})"


def _joined(sign: str, parts: list[str]) -> str:
    """A constant is no predicate inside a larger one, so nothing at all is said as 0 < 1."""
    if not parts:
        return "(0 < 1)" if sign == "&&" else "(1 < 0)"
    return f"({f' {sign} '.join(parts)})"


def _compared(field: str, ends: list[tuple[str, Value]]) -> str:
    """The type is asked first: of two types jsonpath says "unknown", whose `!` is unknown too."""
    found = f"$.{json.dumps(field)}"
    kinds = {bool: "boolean", str: "string"}
    kind = kinds.get(type(ends[0][1]), "number")
    held = [f"{found} {sign} {json.dumps(value)}" for sign, value in ends]
    return _joined("&&", [f'{found}.type() == "{kind}"', *held])
