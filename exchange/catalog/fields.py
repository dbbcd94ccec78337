"""The typed fields of a lead schema: parse, normalise and check one value.

A parsed value is JSON: the same text and context always give the same value. Phones and e-mails
carry only their type here; whether they can be reached is decided at intake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from exchange.catalog.values import (
    FieldError,
    ParseContext,
    clean,
    is_empty,
    iso_moment,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_money,
    parse_number,
)
from exchange.catalog.words import UNIT_WORDS, fold

Value = str | int | float | bool
Bound = int | float | str
Labels = Mapping[str, str]  # by language: en, ru, es, ms


class FieldType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"  # at most six decimals, so that a JSON number carries it exactly
    MONEY = "money"  # minor units of the vertical's currency
    DATE = "date"  # 2026-11-21
    DATETIME = "datetime"  # 2026-11-21T14:05:00Z
    BOOLEAN = "boolean"
    CHOICE = "choice"  # the code of one of the choices
    REGION = "region"  # the same, with the subdivisions of the country (ISO 3166-2)
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"  # ISO 3166-1 alpha-2
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"


NUMBERS: Final = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.MONEY})
TIMES: Final = frozenset({FieldType.DATE, FieldType.DATETIME})
CHOICES: Final = frozenset({FieldType.CHOICE, FieldType.REGION})
CONTACTS: Final = frozenset({FieldType.NAME, FieldType.PHONE, FieldType.EMAIL})
# How a form was sent. It marks what looks odd while leads are taken in and is not kept.
SENT_FIELDS: Final = ("ip", "user_agent", "form_seconds")
# Facts about the request itself. They are no criteria; most have columns of their own.
RECORD_FIELDS: Final = frozenset(
    {
        *("requested_at", "channel", "sub_id", *SENT_FIELDS),
        *("consent_text", "consent_at", "consent_url", "consent_quality_check", "consent_buyers"),
    }
)

TEXT_LENGTH_MAX = 500  # characters, where the field does not say
INTEGER_MAX = 10**15  # a JSON number holds it exactly everywhere
DECIMAL_MAX = 10**9
DECIMAL_PLACES = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """One allowed value: the stable code, how people read it, how files write it."""

    value: str
    label: Labels = field(hash=False)
    synonyms: tuple[str, ...] = ()
    time_zone: str | None = None  # of a region


@dataclass(frozen=True)
class FieldSpec:
    """One field of a schema. `min` and `max` are lengths of texts, else bounds of the value."""

    name: str
    type: FieldType
    label: Labels = field(hash=False)
    required: bool = False
    contact: bool = False  # identifying: belongs to the locked contact, never to attributes
    choices: tuple[Choice, ...] = ()
    min: Bound | None = None  # inclusive; money in minor units, dates as ISO text
    max: Bound | None = None
    unit: str | None = None  # km, m2, years ...: may stand behind the number in a file
    synonyms: tuple[str, ...] = ()  # header names in files
    example: str = ""  # as somebody would type it

    @property
    def is_record_field(self) -> bool:
        """Whether it says something of the request (when, from where, what consent)."""
        return self.name in RECORD_FIELDS

    @property
    def is_attribute(self) -> bool:
        """Whether it describes the lead without identifying it: searchable and sellable."""
        return not self.contact and not self.is_record_field

    def label_in(self, language: str) -> str:
        """What people call the field; English where the language is missing."""
        return label_in(self.label, language) or self.name

    def value_label(self, value: Value, *, language: str) -> str:
        """What people call one of its choices; other values as text."""
        choice = self.choice_by_value.get(str(value))
        return label_in(choice.label, language) if choice else str(value)

    @cached_property
    def choice_by_value(self) -> dict[str, Choice]:
        return {choice.value: choice for choice in self.choices}

    @cached_property
    def choice_by_word(self) -> dict[str, str]:
        """Code of the choice by every folded way to write it; the code itself comes first."""
        words = {fold(choice.value): choice.value for choice in self.choices}
        for choice in self.choices:
            for word in (*choice.label.values(), *choice.synonyms):
                words.setdefault(fold(word), choice.value)
        return words

    @cached_property
    def header_words(self) -> frozenset[str]:
        """Every folded header by which a column of this field is recognised."""
        names = (self.name, *self.label.values(), *self.synonyms)
        return frozenset(fold(name) for name in names)


def label_in(labels: Labels, language: str) -> str:
    """The label in the language, else in English, else any."""
    return labels.get(language) or labels.get("en") or next(iter(labels.values()), "")


def parse(spec: FieldSpec, raw: str, context: ParseContext) -> Value | None:
    """The value of a cell, or None for an empty cell of an optional field.

    Raises FieldError with a stable code: `missing_required`, `value_not_allowed`, `too_short`,
    `too_long`, `too_small`, `too_large`, `precision`, `number_invalid`, `date_invalid` ...
    """
    text = clean(raw)
    # The words of a choice come first: `none` and `unknown` may be answers, `NA` may be Navarra.
    value = spec.choice_by_word.get(fold(text)) if spec.choices and text else None
    if value is not None:
        return value
    if is_empty(text):
        if spec.required:
            raise FieldError("missing_required")
        return None
    return _PARSERS[spec.type](spec, text, context)


def _text(spec: FieldSpec, text: str, _: ParseContext) -> Value:
    _check_bounds(spec, len(text), ("too_short", "too_long"))
    if spec.max is None and len(text) > TEXT_LENGTH_MAX:
        raise FieldError("too_long")
    return text


def _name(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    if not any(c.isalpha() for c in text):
        raise FieldError("not_a_person")
    return _text(spec, text, context)


def _integer(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    number = _number(spec, text, context)
    if number != number.to_integral_value():
        raise FieldError("precision")
    if abs(number) > INTEGER_MAX:
        raise FieldError("too_large")
    return _bounded(spec, int(number))


def _decimal(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    number = _number(spec, text, context)
    if abs(number) > DECIMAL_MAX:  # first: a number of thirty digits cannot be rounded
        raise FieldError("too_large")
    if number != round(number, DECIMAL_PLACES):
        raise FieldError("precision")
    return _bounded(spec, float(number))


def _number(spec: FieldSpec, text: str, context: ParseContext) -> Decimal:
    words = UNIT_WORDS.get(spec.unit or "", (spec.unit,) if spec.unit else ())
    return parse_number(text, separator=context.decimal_separator, words=words)


def _money(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    amount = parse_money(text, context=context)
    if abs(amount) > INTEGER_MAX:
        raise FieldError("too_large")
    return _bounded(spec, amount)


def _date(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    return _bounded(spec, parse_date(text, context=context).isoformat())


def _datetime(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    return _bounded(spec, iso_moment(parse_datetime(text, context=context)))


def _boolean(_: FieldSpec, text: str, __: ParseContext) -> Value:
    answer = parse_boolean(text)
    if answer is None:
        raise FieldError("value_not_allowed")
    return answer


def _choice(_: FieldSpec, __: str, ___: ParseContext) -> Value:
    raise FieldError("value_not_allowed")  # allowed words were found before


def _country(_: FieldSpec, text: str, __: ParseContext) -> Value:
    code = text.upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise FieldError("value_not_allowed")
    return code


_POSTAL_CODES: Final = {
    "RU": re.compile(r"[1-9]\d{5}", re.ASCII),
    "ES": re.compile(r"(?:0[1-9]|[1-4]\d|5[0-2])\d{3}", re.ASCII),
    "MY": re.compile(r"\d{5}", re.ASCII),
    "US": re.compile(r"\d{5}(?:-\d{4})?", re.ASCII),
}
_ANY_POSTAL_CODE = re.compile(r"[A-Z0-9][A-Z0-9 -]{1,8}[A-Z0-9]")


def postal_code_pattern(country: str) -> re.Pattern[str]:
    """What a postal code of the country looks like, in capital letters."""
    return _POSTAL_CODES.get(country, _ANY_POSTAL_CODE)


_WITH_ADD_ON = re.compile(r"\d{5}-\d{4}")  # ZIP+4 of the United States: one side of a street


def postal_area(code: str) -> str:
    """The postal code by which places are listed and measured: without an add-on."""
    return code[:5] if _WITH_ADD_ON.fullmatch(code) else code


def _postal_code(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    code = text.upper().removesuffix(".0")  # a spreadsheet took it for a number
    pattern = postal_code_pattern(context.country)
    if pattern is not _ANY_POSTAL_CODE:
        code = code.replace(" ", "")
    if pattern.fullmatch(code):
        return _text(spec, code, context)
    # A leading zero that a spreadsheet dropped cannot be told from a missing digit.
    digits = 6 if context.country == "RU" else 5
    raise FieldError(
        "too_short" if code.isdigit() and len(code) < digits else "postal_code_invalid"
    )


def _url(spec: FieldSpec, text: str, context: ParseContext) -> Value:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        raise FieldError("url_invalid") from None
    if parts.scheme not in {"http", "https"} or not host or " " in text or "@" in parts.netloc:
        raise FieldError("url_invalid")
    return _text(spec, text, context)


def _bounded(spec: FieldSpec, value: Value) -> Value:
    _check_bounds(spec, value, ("too_small", "too_large"))
    return value


def _check_bounds(spec: FieldSpec, value: Value, codes: tuple[str, str]) -> None:
    # Any: a bound has the type of the value, as the definition was checked to have.
    low: Any = spec.min
    high: Any = spec.max
    if low is not None and value < low:
        raise FieldError(codes[0])
    if high is not None and value > high:
        raise FieldError(codes[1])


_Parser = Callable[[FieldSpec, str, ParseContext], Value]
_PARSERS: Final[dict[FieldType, _Parser]] = {
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.MONEY: _money,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.BOOLEAN: _boolean,
    FieldType.CHOICE: _choice,
    FieldType.REGION: _choice,
    FieldType.POSTAL_CODE: _postal_code,
    FieldType.COUNTRY: _country,
    FieldType.NAME: _name,
    FieldType.PHONE: _text,
    FieldType.EMAIL: _text,
    FieldType.URL: _url,
}


@dataclass(frozen=True)
class LeadFields:
    """The fields of one lead schema, in the order in which people see them."""

    specs: tuple[FieldSpec, ...]
    by_name: dict[str, FieldSpec] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {spec.name: spec for spec in self.specs})

    @cached_property
    def required(self) -> tuple[FieldSpec, ...]:
        return tuple(spec for spec in self.specs if spec.required)

    @cached_property
    def contacts(self) -> tuple[FieldSpec, ...]:
        """What identifies the person; it is locked."""
        return tuple(spec for spec in self.specs if spec.contact)

    @cached_property
    def attributes(self) -> tuple[FieldSpec, ...]:
        """What a buyer may see and ask for before buying."""
        return tuple(spec for spec in self.specs if spec.is_attribute)

    @cached_property
    def field_by_header(self) -> dict[str, FieldSpec]:
        return {word: spec for spec in reversed(self.specs) for word in spec.header_words}

    def find_by_header(self, header: str) -> FieldSpec | None:
        """The field that a column with this header means, by name, label or synonym."""
        return self.field_by_header.get(fold(header))
