"""Attributes of a lead as people read them: money as money, in the order of the schema. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.catalog.fields import FieldSpec, FieldType, LeadFields, Value
from exchange.core.money import Currency, Money

Shown = tuple[FieldSpec, Value | Money]


def described(
    attributes: Mapping[str, Value], fields: LeadFields, *, currency: Currency
) -> list[Shown]:
    """The attributes that are filled in, each with its field."""
    return [
        (spec, _shown(spec, attributes[spec.name], currency=currency))
        for spec in fields.attributes
        if attributes.get(spec.name) is not None
    ]


def _shown(spec: FieldSpec, value: Value, *, currency: Currency) -> Value | Money:
    if spec.type is FieldType.MONEY and isinstance(value, int):
        return Money(value, currency)
    return value
