"""The facts of a lead as they are read aloud, and corrections as they are checked.

Only attributes: what identifies the person is locked and never corrected here. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from babel.core import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.fields import FieldSpec, FieldType, Value, label_in, parse
from exchange.catalog.values import FieldError
from exchange.core.errors import FieldProblem
from exchange.core.money import Currency

_YES_NO: Final = {
    "en": ("yes", "no"),
    "ru": ("да", "нет"),
    "es": ("sí", "no"),
    "ms": ("ya", "tidak"),
}
# Where a lead says nothing of the page it came from. Never the seller: the verifier is blind to it.
_SOMEWHERE: Final = {
    "en": "a form on the internet",
    "ru": "форма на сайте",
    "es": "un formulario en internet",
    "ms": "borang di internet",
}
YEARS_MAX: Final = 9_999  # up to here a number may be a year and is written without separators


@dataclass(frozen=True, slots=True)
class Fact:
    """One attribute as the seller claims it, in words."""

    name: str
    label: str
    text: str
    choices: list[tuple[str, str]]  # codes and their words, where the field has any


def facts_of(
    definition: VerticalDefinition, attributes: Mapping[str, Value], *, language: str
) -> list[Fact]:
    """What is claimed of a lead, in the order of the schema."""
    currency = definition.currency
    return [
        Fact(
            spec.name,
            spec.label_in(language),
            in_words(spec, attributes[spec.name], language=language, currency=currency),
            [(one.value, label_in(one.label, language)) for one in spec.choices],
        )
        for spec in definition.fields.attributes
        if spec.name in attributes
    ]


def in_words(spec: FieldSpec, value: Value, *, language: str, currency: Currency) -> str:
    """A value as somebody would say it; money is kept in minor units."""
    locale = Locale.parse(language)
    if isinstance(value, bool):
        return _YES_NO.get(language, _YES_NO["en"])[0 if value else 1]
    if spec.type is FieldType.MONEY:
        return format_currency(int(value) / 10**currency.exponent, currency, locale=locale)
    if isinstance(value, int | float):
        return format_decimal(value, locale=locale, group_separator=abs(value) > YEARS_MAX)
    if spec.type is FieldType.DATE:
        return format_date(date.fromisoformat(value), "d MMMM y", locale=locale)
    return spec.value_label(value, language=language)


def variables_of(
    facts: list[Fact],
    *,
    contact: Mapping[str, str],
    caller: str,
    exchange: str,
    requested_at: datetime,
    landing_url: str,
    language: str,
) -> dict[str, str]:
    """What a script may speak of: the facts, and who calls whom about what."""
    site = urlsplit(landing_url).hostname if landing_url else None
    return {
        **{fact.name: fact.text for fact in facts},
        "name": contact.get("name", ""),
        "caller": caller,
        "exchange": exchange,
        "requested_on": format_date(requested_at, "d MMMM", locale=Locale.parse(language)),
        "source": site or _SOMEWHERE.get(language, _SOMEWHERE["en"]),
    }


def correction_problems(
    definition: VerticalDefinition, corrections: Mapping[str, str]
) -> list[FieldProblem]:
    """What is wrong with corrections: no such attribute, or a value that intake would refuse."""
    known = {spec.name: spec for spec in definition.fields.attributes}
    context, found = definition.context(), []
    for name, text in corrections.items():
        if name not in known:
            detail = "There is no such field to correct."
            found.append(FieldProblem(f"/corrections/{name}", "value_not_allowed", detail))
            continue
        try:
            parse(known[name], text, context)
        except FieldError as error:
            detail = f"{known[name].label_in('en')} cannot be this value."
            found.append(FieldProblem(f"/corrections/{name}", error.code, detail))
    return found
