"""How a buyer narrows leads: by region, freshness, choices and ranges of their fields. Pure.

The same values travel in the address of the list, in the wish to buy and into the order, so that
what was looked at is what is bought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

from exchange.catalog.criteria import EVERYTHING, Criteria, from_json
from exchange.catalog.fields import INTEGER_MAX, NUMBERS, FieldSpec, FieldType, LeadFields, Value
from exchange.core.errors import FieldProblem, Invalid
from exchange.market.filters import REGION, choosable

PREFIX: Final = "a."  # of an argument that asks for a choice of a field
MIN, MAX = ".min", ".max"  # behind the field: the ends of a range
ENDS: Final = {MIN: "from", MAX: "to"}
WORDS: Final[Mapping[str, Value]] = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class End:
    """An end of a range as it was typed, and as leads have it."""

    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a lead must be like to be shown and sold."""

    region: str | None = None
    fresh_hours: int | None = None
    choices: Mapping[str, Value] = field(default_factory=dict)  # by field
    ranges: Mapping[tuple[str, str], End] = field(default_factory=dict)  # by field, MIN or MAX

    @classmethod
    def of(
        cls,
        sent: Mapping[str, str],
        fields: LeadFields,
        *,
        region: str | None,
        fresh_hours: int | None,
    ) -> Self:
        """The narrowing that was sent; arguments that no field of the listing knows are nothing.

        Raises Invalid for an end of a range that is no number.
        """
        return cls(region, fresh_hours, dict(_chosen(sent, fields)), dict(_ends(sent, fields)))

    @property
    def is_empty(self) -> bool:
        """Whether every lead fits."""
        return not (self.region or self.fresh_hours or self.choices or self.ranges)

    def criteria(self, fields: LeadFields) -> Criteria:
        """The choices as criteria. Raises Invalid for a value that no lead can have."""
        conditions = self._conditions()
        return from_json({"all": conditions}, fields) if conditions else EVERYTHING

    def order_criteria(self) -> dict[str, Any]:  # Any: JSON
        """What an order is narrowed by: the choices and the region."""
        here = [{"field": REGION, "is": self.region}] if self.region else []
        conditions = [*self._conditions(), *here]
        return {"all": conditions} if conditions else {}

    def arguments(self) -> dict[str, str]:
        """The arguments of an address that say the same."""
        own = {REGION: self.region or "", "fresh": str(self.fresh_hours or "")}
        words = {answer: word for word, answer in WORDS.items()}
        chosen = {
            PREFIX + name: words[value] if isinstance(value, bool) else str(value)
            for name, value in self.choices.items()
        }
        ends = {PREFIX + name + end: typed.text for (name, end), typed in self.ranges.items()}
        return {name: value for name, value in {**own, **chosen, **ends}.items() if value}

    def _conditions(self) -> list[dict[str, Any]]:  # Any: JSON
        ranges: dict[str, dict[str, Any]] = {}
        for (name, end), typed in self.ranges.items():
            ranges.setdefault(name, {"field": name})[ENDS[end]] = typed.value
        return [
            *({"field": name, "is": value} for name, value in self.choices.items()),
            *ranges.values(),
        ]


def rangeable(fields: LeadFields) -> list[FieldSpec]:
    """The fields of which a range can be asked for, in the order in which people see them."""
    return [spec for spec in fields.attributes if spec.type in NUMBERS]


def _chosen(sent: Mapping[str, str], fields: LeadFields) -> Iterator[tuple[str, Value]]:
    for spec in choosable(fields):
        text = sent.get(PREFIX + spec.name, "")
        if text:
            is_answer = spec.type is FieldType.BOOLEAN
            yield spec.name, WORDS.get(text, text) if is_answer else text


def _ends(sent: Mapping[str, str], fields: LeadFields) -> Iterator[tuple[tuple[str, str], End]]:
    for spec in rangeable(fields):
        for end in ENDS:
            name = PREFIX + spec.name + end
            text = sent.get(name, "").strip()
            if text:
                yield (spec.name, end), End(text, _number(text, spec, name))


def _number(text: str, spec: FieldSpec, name: str) -> Value:
    """What was typed as leads have it: amounts in minor units."""
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        number = Decimal("NaN")
    number *= 100 if spec.type is FieldType.MONEY else 1
    is_known = number.is_finite() and abs(number) <= INTEGER_MAX  # larger than any lead's
    if not is_known or (spec.type is not FieldType.DECIMAL and number % 1):
        raise Invalid(errors=(FieldProblem(f"/{name}", "number_invalid", "Type a number."),))
    return float(number) if spec.type is FieldType.DECIMAL else int(number)
