"""Field definitions as JSON, and what may be wrong with them.

A definition is content: an operator writes it, so each mistake has a pointer and a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from exchange.catalog.fields import (
    CHOICES,
    CONTACTS,
    RECORD_FIELDS,
    Bound,
    Choice,
    FieldSpec,
    FieldType,
    LeadFields,
    parse,
)
from exchange.catalog.values import FieldError, ParseContext, iso_moment
from exchange.catalog.words import fold
from exchange.core.errors import FieldProblem

FIELDS_MAX = 60

_WHOLE: Final = frozenset({FieldType.INTEGER, FieldType.MONEY})
_RECORD_TYPES: Final = {
    "requested_at": FieldType.DATETIME,
    "channel": FieldType.CHOICE,
    "sub_id": FieldType.TEXT,
    "consent_text": FieldType.TEXT,
    "consent_at": FieldType.DATETIME,
    "consent_url": FieldType.URL,
    "consent_buyers": FieldType.TEXT,
    "consent_quality_check": FieldType.BOOLEAN,
    "ip": FieldType.TEXT,
    "user_agent": FieldType.TEXT,
    "form_seconds": FieldType.DECIMAL,
}


def fields_from_json(data: Iterable[Mapping[str, Any]]) -> LeadFields:  # Any: JSON
    """Read a list of field definitions; the shape was checked before."""
    return LeadFields(tuple(_spec(item) for item in data))


def fields_to_json(fields: LeadFields) -> list[dict[str, Any]]:  # Any: JSON
    """The list that `fields_from_json` reads; what is empty is left out."""
    return [_spec_json(spec) for spec in fields.specs]


def _spec(data: Mapping[str, Any]) -> FieldSpec:  # Any: JSON
    return FieldSpec(
        name=data["name"],
        type=FieldType(data["type"]),
        label=dict(data["label"]),
        required=data.get("required", False),
        contact=data.get("contact", False),
        choices=tuple(_choice(item) for item in data.get("choices", [])),
        min=data.get("min"),
        max=data.get("max"),
        unit=data.get("unit"),
        synonyms=tuple(data.get("synonyms", [])),
        example=data.get("example", ""),
    )


def _choice(data: Mapping[str, Any]) -> Choice:  # Any: JSON
    return Choice(
        value=data["value"],
        label=dict(data["label"]),
        synonyms=tuple(data.get("synonyms", [])),
        time_zone=data.get("time_zone"),
    )


def _spec_json(spec: FieldSpec) -> dict[str, Any]:  # Any: JSON
    data = {
        "name": spec.name,
        "type": str(spec.type),
        "label": dict(spec.label),
        "required": spec.required,
        "contact": spec.contact,
        "choices": [_choice_json(choice) for choice in spec.choices],
        "min": spec.min,
        "max": spec.max,
        "unit": spec.unit,
        "synonyms": list(spec.synonyms),
        "example": spec.example,
    }
    # A bound of 0 says something; `0 == False` must not drop it.
    empty: tuple[object, ...] = (None, [], "")
    return {k: v for k, v in data.items() if v not in empty and v is not False}


def _choice_json(choice: Choice) -> dict[str, Any]:  # Any: JSON
    data: dict[str, Any] = {"value": choice.value, "label": dict(choice.label)}
    if choice.synonyms:
        data["synonyms"] = list(choice.synonyms)
    if choice.time_zone:
        data["time_zone"] = choice.time_zone
    return data


def field_problems(
    fields: LeadFields, context: ParseContext, *, pointer: str
) -> Iterator[FieldProblem]:
    """Everything wrong with the fields of a lead schema, each by its JSON pointer."""
    yield from _schema_problems(fields, pointer)
    for i, spec in enumerate(fields.specs):
        found = [
            *_choice_problems(spec, f"{pointer}/{i}/choices"),
            *_spec_problems(spec, f"{pointer}/{i}"),
        ]
        yield from found
        if not found:  # a broken field cannot read its example
            yield from _example_problems(spec, context, f"{pointer}/{i}/example")
    yield from _header_problems(fields, pointer)


def _schema_problems(fields: LeadFields, pointer: str) -> Iterator[FieldProblem]:
    """A lead is a person with a name and a phone or an e-mail, who asked once, somewhere."""
    for name in _repeated(spec.name for spec in fields.specs):
        yield FieldProblem(pointer, "duplicate_field", f"Two fields are called {name}.")
    if len(fields.specs) > FIELDS_MAX:
        yield FieldProblem(pointer, "too_many", f"At most {FIELDS_MAX} fields.")
    required = {spec.type for spec in fields.required}
    if not required & {FieldType.PHONE, FieldType.EMAIL}:
        yield FieldProblem(pointer, "contact_missing", "A phone or an e-mail must be required.")
    if FieldType.NAME not in required:
        yield FieldProblem(pointer, "name_missing", "The name of a person must be required.")
    for name in ("requested_at", "channel"):
        spec = fields.by_name.get(name)
        if spec is None or not spec.required:
            yield FieldProblem(pointer, "field_missing", f"The field {name} must be required.")


def _choice_problems(spec: FieldSpec, pointer: str) -> Iterator[FieldProblem]:
    if spec.type in CHOICES and not spec.choices:
        yield FieldProblem(pointer, "choices_missing", f"{spec.name} has nothing to choose from.")
    if spec.type not in CHOICES and spec.choices:
        yield FieldProblem(pointer, "choices_unexpected", f"{spec.name} is no choice.")
    for value in _repeated(choice.value for choice in spec.choices):
        yield FieldProblem(pointer, "duplicate_choice", f"{value} stands twice.")
    words = [
        word
        for choice in spec.choices
        for word in {fold(w) for w in (choice.value, *choice.label.values(), *choice.synonyms)}
    ]
    for word in _repeated(words):
        yield FieldProblem(pointer, "ambiguous_word", f"“{word}” means two choices.")


def _spec_problems(spec: FieldSpec, pointer: str) -> Iterator[FieldProblem]:
    if spec.type in CONTACTS and not spec.contact:
        detail = f"A {spec.type} identifies a person and belongs to the contact."
        yield FieldProblem(f"{pointer}/contact", "contact_required", detail)
    if spec.contact and spec.name in RECORD_FIELDS:
        detail = f"{spec.name} is a fact about the request, not a contact."
        yield FieldProblem(f"{pointer}/contact", "contact_unexpected", detail)
    if spec.type is not _RECORD_TYPES.get(spec.name, spec.type):
        detail = f"{spec.name} must be of the type {_RECORD_TYPES[spec.name]}."
        yield FieldProblem(f"{pointer}/type", "type_invalid", detail)
    for end, bound in (("min", spec.min), ("max", spec.max)):
        if bound is not None and not _fits(spec.type, bound):
            detail = f"{bound!r} does not bound a {spec.type}."
            yield FieldProblem(f"{pointer}/{end}", "bound_invalid", detail)
    if _is_crossed(spec.min, spec.max):
        yield FieldProblem(f"{pointer}/min", "bound_invalid", "The least is above the most.")


def _is_crossed(low: Bound | None, high: Bound | None) -> bool:
    if isinstance(low, str) and isinstance(high, str):
        return low > high
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _fits(kind: FieldType, bound: Bound) -> bool:
    """Whether values of the type can be compared with the bound."""
    if isinstance(bound, bool) or kind in CHOICES or kind is FieldType.BOOLEAN:
        return False
    if kind is FieldType.DECIMAL:
        return isinstance(bound, int | float)
    if kind in {FieldType.DATE, FieldType.DATETIME}:
        return isinstance(bound, str) and _is_time(kind, bound)
    return isinstance(bound, int) and (kind in _WHOLE or bound >= 0)


def _is_time(kind: FieldType, bound: str) -> bool:
    try:
        if kind is FieldType.DATE:
            return date.fromisoformat(bound).isoformat() == bound
        return iso_moment(datetime.fromisoformat(bound)) == bound
    except ValueError:
        return False


def _example_problems(
    spec: FieldSpec, context: ParseContext, pointer: str
) -> Iterator[FieldProblem]:
    """The example is shown to people who write files: it must pass itself."""
    if not spec.example:
        return
    try:
        parse(spec, spec.example, context)
    except FieldError as error:
        detail = f"The example of {spec.name} is refused: {error.code}."
        yield FieldProblem(pointer, "example_invalid", detail)


def _header_problems(fields: LeadFields, pointer: str) -> Iterator[FieldProblem]:
    for word in _repeated(word for spec in fields.specs for word in spec.header_words):
        detail = f"A column “{word}” would mean two fields."
        yield FieldProblem(pointer, "ambiguous_header", detail)


def _repeated(items: Iterable[str]) -> list[str]:
    return [item for item, count in Counter(items).items() if count > 1]
