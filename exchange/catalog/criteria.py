"""What a buyer accepts: conditions on the attributes of a lead, never on a contact.

One tree has two readings, a predicate over an attribute dict and an expression over a JSONB
column; both answer the same. An attribute that is missing meets no condition, so `not` of it holds.
Spans of days relative to today are stored as they were said and become dates of a day (`on_day`)
before anything is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Numeric, Text, and_, case, cast, false, func, not_, or_, true
from sqlalchemy.dialects.postgresql import JSONB

from exchange.catalog.fields import (
    CHOICES,
    INTEGER_MAX,
    NUMBERS,
    TIMES,
    FieldSpec,
    FieldType,
    LeadFields,
    Value,
)
from exchange.catalog.values import iso_moment
from exchange.core.errors import FieldProblem, Invalid

Attributes = Mapping[str, Any]  # Any: JSON values
Predicate = Callable[[Attributes], bool]
AttributesColumn = ColumnElement[Any]  # Any: JSONB has no narrower type

DEPTH_MAX = 5
CONDITIONS_MAX = 100
VALUES_MAX = 500  # in one set
DAYS_MAX = 36_500  # from today, either way


@dataclass(frozen=True, slots=True)
class Is:
    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends belong to the range; an end that is None is open."""

    field: str
    low: Value | None
    high: Value | None


@dataclass(frozen=True, slots=True)
class Within:
    """From one day to another, counted from today (0) and both in it; `on_day` makes dates of it.

    The days of moments are those of UTC.
    """

    field: str
    first_day: int  # -30: thirty days ago
    last_day: int
    has_time: bool = False  # the field holds moments, as its schema says; else plain dates


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Criteria, ...]  # none: everything matches


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Criteria, ...]  # none: nothing matches


@dataclass(frozen=True, slots=True)
class Not:
    part: Criteria


Criteria = Is | In | Between | Within | All | AnyOf | Not
EVERYTHING: Final = All(())
JSON_TYPES: Final = {bool: "boolean", int: "number", float: "number", str: "string"}
OTHER: Final = "other"  # no condition is about it: nothing, lists, objects
UNDATED: Final = "A span of days means nothing before `on_day` made dates of it."


def to_json(criteria: Criteria) -> dict[str, Any]:  # Any: JSON
    """The form in which criteria are stored and sent; `from_json` reads it back."""
    match criteria:
        case Is(field, value):
            return {"field": field, "is": value}
        case In(field, values):
            return {"field": field, "in": list(values)}
        case Between(field, low, high):
            ends = {"from": low, "to": high}
            return {"field": field, **{k: v for k, v in ends.items() if v is not None}}
        case Within(field, first_day, last_day):
            return {"field": field, "within_days": [first_day, last_day]}
        case All(parts) | AnyOf(parts):
            joined = "all" if isinstance(criteria, All) else "any"
            return {joined: [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}


def from_json(data: object, fields: LeadFields) -> Criteria:
    """The criteria that `data` states over these fields; an empty object accepts every lead.

    Raises Invalid naming every mistake at once, each by its JSON pointer.
    """
    reader = _Reader(fields, problems=[])
    criteria = EVERYTHING if data == {} else reader.read(data, "", depth=1)
    if reader.conditions > CONDITIONS_MAX:
        reader.refuse("", "too_many", f"At most {CONDITIONS_MAX} conditions.")
    if reader.problems:
        raise Invalid("These criteria do not fit the vertical.", errors=tuple(reader.problems))
    return criteria


def condition_fields(criteria: Criteria) -> Iterator[str]:
    """The names of the fields that the criteria ask about, with repetitions."""
    match criteria:
        case Is(field) | In(field) | Between(field) | Within(field):
            yield field
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from condition_fields(part)
        case Not(part):
            yield from condition_fields(part)


def on_day(criteria: Criteria, day: date) -> Criteria:
    """The criteria as they are meant on that day: every span of days is a range of dates."""
    match criteria:
        case Within():
            return _dated(criteria, day)
        case All(parts):
            return All(tuple(on_day(part, day) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(on_day(part, day) for part in parts))
        case Not(part):
            return Not(on_day(part, day))
        case _:
            return criteria


def matches(criteria: Criteria, attributes: Attributes) -> bool:
    """Whether the attributes of a lead meet the criteria, which are those of a day."""
    return predicate(criteria)(attributes)


def predicate(criteria: Criteria) -> Predicate:
    """The criteria of a day as a function of attributes, for whoever asks about many leads."""
    match criteria:
        case Is(field, value):
            return _is_one(field, (value,))
        case In(field, values):
            return _is_one(field, values)
        case Between(field, low, high):
            return _is_within(field, low, high)
        case Within():
            raise TypeError(UNDATED)
        case All(parts) | AnyOf(parts):
            return _joined(parts, decided_by=isinstance(criteria, AnyOf))
        case Not(part):
            holds = predicate(part)
            return lambda attributes: not holds(attributes)


def to_sql(criteria: Criteria, column: AttributesColumn) -> ColumnElement[bool]:
    """The criteria of a day over a JSONB column of attributes; never NULL while it is not."""
    match criteria:
        case Is(field, value):
            return column.bool_op("@>")(cast({field: value}, JSONB))
        case In(field, values):
            return or_(false(), *(column.bool_op("@>")(cast({field: v}, JSONB)) for v in values))
        case Between(field, low, high):
            return _between_sql(column, field, (low, high))
        case Within():
            raise TypeError(UNDATED)
        case All(parts):
            return and_(true(), *(to_sql(part, column) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(to_sql(part, column) for part in parts))
        case Not(part):
            return not_(to_sql(part, column))


def _dated(span: Within, day: date) -> Between:
    first, last = (day + timedelta(days=n) for n in (span.first_day, span.last_day))
    if not span.has_time:
        return Between(span.field, first.isoformat(), last.isoformat())
    return Between(span.field, f"{first}T00:00:00Z", f"{last}T23:59:59Z")


def _kind(value: object) -> str:
    """The JSON type; in Python alone True equals 1."""
    return JSON_TYPES.get(type(value), OTHER)


def _joined(parts: Sequence[Criteria], *, decided_by: bool) -> Predicate:
    """All of the parts, or with True any of them: the first that answers so decides."""
    asked = [predicate(part) for part in parts]
    if len(asked) == 1:
        return asked[0]

    def holds(attributes: Attributes) -> bool:
        for one in asked:
            if one(attributes) is decided_by:
                return decided_by
        return not decided_by

    return holds


def _is_one(field: str, values: Iterable[Value]) -> Predicate:
    wanted = frozenset((_kind(value), value) for value in values)

    def holds(attributes: Attributes) -> bool:
        found = attributes.get(field)
        kind = _kind(found)
        return kind != OTHER and (kind, found) in wanted

    return holds


def _is_within(field: str, low: Value | None, high: Value | None) -> Predicate:
    kind = _kind(low if low is not None else high)

    def holds(attributes: Attributes) -> bool:
        found: Any = attributes.get(field)  # Any: a JSON value
        if _kind(found) != kind:
            return False
        return (low is None or found >= low) and (high is None or found <= high)

    return holds


def _between_sql(
    column: AttributesColumn, field: str, ends: tuple[Value | None, Value | None]
) -> ColumnElement[bool]:
    """CASE keeps the cast away from values of another type, in whatever order it is planned."""
    low, high = ends
    number = _kind(low if low is not None else high) == "number"
    text = column.op("->>", return_type=Text())(field)
    # Code points, as Python compares; the database's own collation may sort otherwise.
    found: ColumnElement[Any] = cast(text, Numeric) if number else text.collate("C")
    bounds = []
    if low is not None:
        bounds.append(found >= (Decimal(repr(low)) if number else low))
    if high is not None:
        bounds.append(found <= (Decimal(repr(high)) if number else high))
    right_type = func.jsonb_typeof(column.op("->")(field)) == ("number" if number else "string")
    return case((right_type, and_(*bounds)), else_=false())


@dataclass(slots=True)
class _Reader:
    """Reads the JSON form and remembers every mistake instead of stopping at the first."""

    fields: LeadFields
    problems: list[FieldProblem]
    conditions: int = 0

    def refuse(self, pointer: str, code: str, detail: str) -> Criteria:
        self.problems.append(FieldProblem(pointer or "/", code, detail))
        return EVERYTHING

    def read(self, data: object, pointer: str, *, depth: int) -> Criteria:
        if not isinstance(data, dict):
            return self.refuse(pointer, "not_an_object", "A condition is an object.")
        if depth > DEPTH_MAX:
            return self.refuse(pointer, "too_deep", f"At most {DEPTH_MAX} levels.")
        if "field" in data:
            rest = {key: value for key, value in data.items() if key != "field"}
            return self._condition(data["field"], rest, pointer)
        return self._combination(data, pointer, depth)

    def _combination(self, data: dict[str, Any], pointer: str, depth: int) -> Criteria:
        match list(data.items()):
            case [("all", parts)]:
                return All(self._parts(parts, f"{pointer}/all", depth))
            case [("any", parts)]:
                return AnyOf(self._parts(parts, f"{pointer}/any", depth))
            case [("not", part)]:
                return Not(self.read(part, f"{pointer}/not", depth=depth + 1))
        return self.refuse(pointer, "unknown_condition", "Use all, any, not, or a field.")

    def _parts(self, parts: object, pointer: str, depth: int) -> tuple[Criteria, ...]:
        if not isinstance(parts, list):
            self.refuse(pointer, "not_a_list", "A list of conditions is expected.")
            return ()
        return tuple(
            self.read(part, f"{pointer}/{i}", depth=depth + 1) for i, part in enumerate(parts)
        )

    def _condition(self, name: object, rest: dict[str, Any], pointer: str) -> Criteria:
        self.conditions += 1
        spec = self.fields.by_name.get(name) if isinstance(name, str) else None
        # A contact and a field that does not exist look the same from outside.
        if spec is None or not spec.is_attribute:
            return self.refuse(f"{pointer}/field", "unknown_field", "No such field to ask for.")
        match rest:
            case {"is": value, **more} if not more:
                return Is(spec.name, self._value(spec, value, f"{pointer}/is"))
            case {"in": values, **more} if not more:
                return self._set(spec, values, f"{pointer}/in")
            case {"from": _, **more} | {"to": _, **more} if not more.keys() - {"from", "to"}:
                return self._range(spec, rest, pointer)
            case {"within_days": days, **more} if not more:
                return self._span(spec, days, f"{pointer}/within_days")
        return self.refuse(pointer, "unknown_condition", "Use is, in, from and to, or within_days.")

    def _set(self, spec: FieldSpec, values: object, pointer: str) -> Criteria:
        if not isinstance(values, list) or not 0 < len(values) <= VALUES_MAX:
            return self.refuse(pointer, "not_a_list", f"A list of 1 to {VALUES_MAX} values.")
        read = [self._value(spec, value, f"{pointer}/{i}") for i, value in enumerate(values)]
        return In(spec.name, tuple(dict.fromkeys(read)))

    def _range(self, spec: FieldSpec, ends: dict[str, Any], pointer: str) -> Criteria:
        if spec.type not in NUMBERS | TIMES:
            return self.refuse(pointer, "no_range", "This field has no order; use is or in.")
        low, high = (
            None if ends.get(end) is None else self._value(spec, ends[end], f"{pointer}/{end}")
            for end in ("from", "to")
        )
        if low is None and high is None:
            return self.refuse(pointer, "empty_range", "Give at least one end.")
        if low is not None and high is not None and _kind(low) == _kind(high) and _after(low, high):
            return self.refuse(pointer, "empty_range", "The range ends before it begins.")
        return Between(spec.name, low, high)

    def _span(self, spec: FieldSpec, days: object, pointer: str) -> Criteria:
        if spec.type not in TIMES:
            return self.refuse(pointer, "no_date", "This field holds no date.")
        match days:
            case [int(first), int(last)] if not {bool} & {type(first), type(last)}:
                if -DAYS_MAX <= first <= last <= DAYS_MAX:
                    return Within(spec.name, first, last, spec.type is FieldType.DATETIME)
                detail = f"The first day, then the last, at most {DAYS_MAX} days from today."
                return self.refuse(pointer, "empty_range", detail)
        return self.refuse(pointer, "type_invalid", "Two whole numbers of days from today.")

    def _value(self, spec: FieldSpec, value: Any, pointer: str) -> Value:  # Any: a JSON value
        code = _refusal(spec, value)
        if code:
            self.refuse(pointer, code, f"Not a value of {spec.name}.")
        return value if isinstance(value, str | int | float) else ""


def _after(low: Value, high: Value) -> bool:
    # Any: both have the type of one field.
    first: Any = low
    return bool(first > high)


def _refusal(spec: FieldSpec, value: Any) -> str | None:  # Any: a JSON value
    """Why a lead of this schema can never hold the value; None when it can."""
    if _kind(value) != _json_kind(spec.type):
        return "type_invalid"
    if spec.type in CHOICES and spec.choices and value not in spec.choice_by_value:
        return "value_not_allowed"
    if spec.type in {FieldType.INTEGER, FieldType.MONEY} and not isinstance(value, int):
        return "type_invalid"
    if spec.type in TIMES and not _is_canonical_time(value, spec.type):
        return "date_invalid"
    # No lead holds a larger one; what has no end, or is no number, is not smaller either.
    return None if _kind(value) != "number" or abs(value) <= INTEGER_MAX else "type_invalid"


def _json_kind(kind: FieldType) -> str:
    if kind is FieldType.BOOLEAN:
        return "boolean"
    return "number" if kind in NUMBERS else "string"


def _is_canonical_time(value: str, kind: FieldType) -> bool:
    try:
        if kind is FieldType.DATE:
            return date.fromisoformat(value).isoformat() == value
        return iso_moment(datetime.fromisoformat(value)) == value
    except ValueError:
        return False
