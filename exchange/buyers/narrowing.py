"""How a buyer narrows one listing: by region, freshness and the choices of its fields. Pure.

The same values travel in the address of the list, in the wish to buy and into the order, so that
what was looked at is what is bought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from exchange.catalog.criteria import EVERYTHING, Criteria, from_json
from exchange.catalog.fields import FieldType, LeadFields, Value
from exchange.market.filters import REGION, choosable

PREFIX: Final = "a."  # of an argument that asks for a choice of a field
WORDS: Final[Mapping[str, Value]] = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a lead must be like to be shown and sold."""

    region: str | None = None
    fresh_hours: int | None = None
    choices: Mapping[str, Value] = field(default_factory=dict)  # by field

    @classmethod
    def of(
        cls,
        sent: Mapping[str, str],
        fields: LeadFields,
        *,
        region: str | None,
        fresh_hours: int | None,
    ) -> Self:
        """The narrowing that was sent; arguments that no field of the listing knows are nothing."""
        return cls(region, fresh_hours, dict(_chosen(sent, fields)))

    @property
    def is_empty(self) -> bool:
        """Whether every lead fits."""
        return not (self.region or self.fresh_hours or self.choices)

    def criteria(self, fields: LeadFields) -> Criteria:
        """The choices as criteria. Raises Invalid for a value that no lead can have."""
        return from_json(_all(self.choices), fields) if self.choices else EVERYTHING

    def order_criteria(self) -> dict[str, Any]:  # Any: JSON
        """What an order is narrowed by: the choices and the region."""
        wanted = {**self.choices, **({REGION: self.region} if self.region else {})}
        return _all(wanted) if wanted else {}

    def arguments(self) -> dict[str, str]:
        """The arguments of an address that say the same."""
        own = {REGION: self.region or "", "fresh": str(self.fresh_hours or "")}
        words = {answer: word for word, answer in WORDS.items()}
        chosen = {
            PREFIX + name: words[value] if isinstance(value, bool) else str(value)
            for name, value in self.choices.items()
        }
        return {name: value for name, value in {**own, **chosen}.items() if value}


def _chosen(sent: Mapping[str, str], fields: LeadFields) -> Iterator[tuple[str, Value]]:
    for spec in choosable(fields):
        text = sent.get(PREFIX + spec.name, "")
        if text:
            is_answer = spec.type is FieldType.BOOLEAN
            yield spec.name, WORDS.get(text, text) if is_answer else text


def _all(wanted: Mapping[str, Value]) -> dict[str, Any]:  # Any: JSON
    return {"all": [{"field": name, "is": value} for name, value in wanted.items()]}
