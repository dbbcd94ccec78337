"""A whole row read field by field, for tests about fields."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.catalog.fields import FieldError, LeadFields, Value, parse
from exchange.catalog.values import ParseContext


def parse_row(
    fields: LeadFields, row: Mapping[str, str], context: ParseContext
) -> tuple[dict[str, Value], dict[str, str]]:
    """Values and error codes by field name; every field ends in one, or is empty."""
    values: dict[str, Value] = {}
    errors: dict[str, str] = {}
    for spec in fields.specs:
        try:
            value = parse(spec, row.get(spec.name, ""), context)
        except FieldError as error:
            errors[spec.name] = error.code
        else:
            if value is not None:
                values[spec.name] = value
    return values, errors
