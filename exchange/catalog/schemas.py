"""Definitions as they come in: the shape by marshmallow, then the meaning.

`{"standard": "phone"}` among the fields stands for a field that most verticals share; whatever
else is given beside it wins. Regions without choices get the subdivisions of the country.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validate

from exchange.catalog.definition import VerticalDefinition, problems
from exchange.catalog.fields import FieldType
from exchange.catalog.policies import (
    Audience,
    IdentityField,
    Match,
    QualityClass,
    ReturnReason,
    UncoveredReason,
)
from exchange.catalog.scripts import Asked, Outcome, Right
from exchange.catalog.values import DateOrder
from exchange.core.errors import FieldProblem, Invalid
from exchange.core.money import Currency

LANGUAGES: Final = ("en", "ru", "es", "ms")
PRESETS: Final = Path(__file__).parent / "presets"

_NAME = validate.Regexp(r"[a-z][a-z0-9_]{0,39}\Z", error="Small letters, digits and underscores.")
_TIME = validate.Regexp(r"([01]\d|2[0-3]):[0-5]\d\Z", error="A time like 09:00.")
_DAY = validate.Regexp(
    r"(02-[012]\d|(0[469]|11)-([012]\d|30)|(0[13578]|1[02])-([012]\d|3[01]))\Z",
    error="A month and a day like 05-01.",
)
_COUNTRY = validate.Regexp(r"[A-Z]{2}\Z", error="Two capital letters of ISO 3166-1.")
_AMOUNT = validate.Range(min=1, max=10**12)
_BPS = validate.Range(min=0, max=10_000)


def _line(length: int = 200) -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1, max=length))


def _whole(low: int, high: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(min=low, max=high))


def _one_of(kind: Any) -> validate.OneOf:  # Any: an enum class is an iterable of its members
    return validate.OneOf([str(member) for member in kind])


def _words() -> fields.List[str]:
    word = fields.String(validate=validate.Length(min=1, max=100))
    return fields.List(word, validate=validate.Length(max=200))


def _spans() -> fields.List[Any]:  # Any: the stubs cannot say a list of lists
    span: fields.List[Any] = fields.List(
        fields.String(validate=_TIME), validate=validate.Length(equal=2)
    )
    return fields.List(span)


def _labels(length: int = 200) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=validate.OneOf(LANGUAGES)),
        values=fields.String(validate=validate.Length(min=1, max=length)),
        required=True,
        validate=validate.Length(min=1),
    )


class ChoiceSchema(Schema):
    """One allowed value of a choice."""

    value = fields.String(
        required=True, validate=validate.Regexp(r"[A-Za-z0-9][A-Za-z0-9_+.-]{0,39}\Z")
    )
    label = _labels()
    synonyms = _words()
    time_zone = fields.String()


class FieldSchema(Schema):
    """One field of a lead schema."""

    name = fields.String(required=True, validate=_NAME)
    type = fields.String(required=True, validate=_one_of(FieldType))
    label = _labels()
    required = fields.Boolean(truthy={True}, falsy={False})
    contact = fields.Boolean(truthy={True}, falsy={False})
    choices = fields.List(fields.Nested(ChoiceSchema))
    min = fields.Raw()  # its type follows from the field's and is checked with the meaning
    max = fields.Raw()
    unit = fields.String(validate=validate.Length(min=1, max=20))
    synonyms = _words()
    example = fields.String(validate=validate.Length(max=500))


class CallingHoursSchema(Schema):
    """Spans of local time by weekday, and days of the year without calls."""

    mon = _spans()
    tue = _spans()
    wed = _spans()
    thu = _spans()
    fri = _spans()
    sat = _spans()
    sun = _spans()
    closed_on = fields.List(fields.String(validate=_DAY))


class AttemptsSchema(Schema):
    """How often a person is tried."""

    decision_attempts = _whole(1, 10)
    decision_hours = _whole(1, 168)
    attempts_max = _whole(1, 10)
    days_max = _whole(1, 30)
    per_day_max = _whole(1, 5)
    day_parts_min = _whole(1, 4)
    open_share_max_bps = fields.Integer(strict=True, load_default=4_000, validate=_BPS)


class ConsentSchema(Schema):
    """What a row must prove."""

    quality_check_required = fields.Boolean(required=True)
    text_required = fields.Boolean(required=True)
    time_required = fields.Boolean(required=True)
    url_required = fields.Boolean(required=True)
    named_buyer_required = fields.Boolean(load_default=False)


class DuplicateSchema(Schema):
    """Who counts as known inside the window."""

    fields_ = fields.List(
        fields.String(validate=_one_of(IdentityField)),
        required=True,
        data_key="fields",
        validate=validate.Length(min=1, max=len(IdentityField)),
    )
    match = fields.String(required=True, validate=_one_of(Match))

    @post_load
    def read(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:  # Any: JSON
        """The names of the stored form; a schema has an attribute `fields` of its own."""
        return {"fields": data["fields_"], "match": data["match"]}


class RetentionSchema(Schema):
    """How long uploaded files are kept."""

    file_days = _whole(1, 365)
    draft_days = _whole(1, 365)


class CheckSchema(Schema):
    """What a verifier earns, and how much is checked twice."""

    pay_per_attempt = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    pay_per_verdict = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    double_checks_bps = fields.Integer(required=True, strict=True, validate=_BPS)


class TermsSchema(Schema):
    """The terms of a vertical."""

    audience = fields.String(required=True, validate=_one_of(Audience))
    minimum_age = _whole(0, 100)
    duplicate_window_days = _whole(1, 365)
    max_age_days = _whole(1, 365)
    return_window_hours = _whole(1, 24 * 45)
    return_reasons = fields.List(
        fields.String(validate=_one_of(ReturnReason)), required=True, validate=validate.Length(1)
    )
    uncovered_reasons = fields.List(fields.String(validate=_one_of(UncoveredReason)), required=True)
    typical_prices = fields.Dict(
        keys=fields.String(validate=_one_of(QualityClass)),
        values=fields.Integer(strict=True, validate=_AMOUNT),
        required=True,
    )
    commission_bps = fields.Integer(required=True, strict=True, validate=_BPS)
    inspection_price = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    calling_hours = fields.Nested(CallingHoursSchema, required=True)
    attempts = fields.Nested(AttemptsSchema, required=True)
    reachability_norm_bps = fields.Integer(required=True, strict=True, validate=_BPS)
    consent = fields.Nested(ConsentSchema, required=True)
    duplicates = fields.Nested(DuplicateSchema)
    retention = fields.Nested(RetentionSchema)
    checks = fields.Nested(CheckSchema)


class AnswerSchema(Schema):
    """One answer to a line of the script."""

    key = fields.String(required=True, validate=_NAME)
    label = _line()
    next = fields.String()
    outcome = fields.String(validate=_one_of(Outcome))
    right = fields.String(validate=_one_of(Right))


class LineSchema(Schema):
    """One line to read aloud."""

    id = fields.String(required=True, validate=_NAME)
    text = _line(1_000)
    asks = fields.String(validate=_one_of(Asked))
    answers = fields.List(
        fields.Nested(AnswerSchema), required=True, validate=validate.Length(max=9)
    )


class ScriptSchema(Schema):
    """The script in one language."""

    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    lines = fields.List(
        fields.Nested(LineSchema), required=True, validate=validate.Length(min=1, max=40)
    )
    outcomes = fields.Dict(
        keys=fields.String(validate=_one_of(Outcome)), values=_line(), required=True
    )
    planted = fields.Dict(
        keys=fields.String(validate=_one_of(Outcome)), values=fields.List(_line(500))
    )


class DefinitionSchema(Schema):
    """The whole definition of a vertical."""

    code = fields.String(required=True, validate=_NAME)
    label = _labels()
    description = _labels(1_000)
    country = fields.String(required=True, validate=_COUNTRY)
    currency = fields.String(required=True, validate=_one_of(Currency))
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    locale = fields.String(required=True, validate=validate.Regexp(r"[a-z]{2}(_[A-Z]{2})?\Z"))
    time_zone = _line(60)
    phone_region = fields.String(required=True, validate=_COUNTRY)
    date_order = fields.String(required=True, validate=_one_of(DateOrder))
    decimal_separator = fields.String(required=True, validate=validate.OneOf((".", ",")))
    fields_ = fields.List(fields.Nested(FieldSchema), required=True, data_key="fields")
    terms = fields.Nested(TermsSchema, required=True)
    scripts = fields.List(
        fields.Nested(ScriptSchema), required=True, validate=validate.Length(min=1)
    )

    @pre_load
    def complete(self, data: Any, **_: Any) -> Any:  # Any: whatever was sent
        """Write out standard fields and regions before the shape is looked at."""
        if not isinstance(data, dict) or not isinstance(data.get("fields"), list):
            return data
        country = str(data.get("country", ""))
        return {**data, "fields": [_completed(field, country) for field in data["fields"]]}


_DEFINITION = DefinitionSchema()


def load_definition(data: object) -> VerticalDefinition:
    """The definition that `data` states. Raises Invalid with every mistake by its JSON pointer."""
    try:
        loaded = _DEFINITION.load(data)  # type: ignore[arg-type]  # anything may have been sent
    except ValidationError as error:
        found = tuple(_shape_problems(error.messages, ""))
        raise Invalid("This is no definition of a vertical.", errors=found) from error
    loaded["fields"] = loaded.pop("fields_")
    definition = VerticalDefinition.from_json(loaded)
    wrong = problems(definition)
    if wrong:
        raise Invalid("This definition contradicts itself.", errors=tuple(wrong))
    return definition


def preset_codes() -> list[str]:
    """The verticals that come with the program."""
    return sorted(path.stem for path in PRESETS.glob("*.json"))


def load_preset(code: str) -> VerticalDefinition:
    """One of the verticals that come with the program. Raises KeyError for another code."""
    if code not in preset_codes():
        raise KeyError(code)
    return load_definition(_read(PRESETS / f"{code}.json"))


def _completed(data: Any, country: str) -> Any:  # Any: whatever was sent
    if not isinstance(data, dict):
        return data
    standard = _standard_fields().get(str(data.get("standard")))
    if standard is not None:
        data = {**standard, **{key: value for key, value in data.items() if key != "standard"}}
    if data.get("type") == FieldType.REGION and not data.get("choices"):
        data = {**data, "choices": _regions(country)}
    return data


@cache
def _standard_fields() -> dict[str, dict[str, Any]]:  # Any: JSON
    return {field["name"]: field for field in _read(PRESETS / "shared" / "fields.json")}


@cache
def _regions(country: str) -> list[dict[str, Any]]:  # Any: JSON
    known = {path.stem: path for path in (PRESETS / "regions").glob("*.json")}
    regions: list[dict[str, Any]] = _read(known[country]) if country in known else []
    return regions


def _read(path: Path) -> Any:  # Any: JSON
    return json.loads(path.read_text(encoding="utf-8"))


def _shape_problems(messages: Any, pointer: str) -> Iterator[FieldProblem]:  # Any: nested messages
    if isinstance(messages, Mapping):
        # Dict fields put the mistakes of an entry one level deeper, under "key" and "value".
        is_entry = not pointer.rpartition("/")[2].isdigit()
        for key, inner in messages.items():
            is_level = key == "_schema" or (is_entry and key in {"key", "value"})
            yield from _shape_problems(inner, pointer if is_level else f"{pointer}/{key}")
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            yield FieldProblem(pointer or "/", "invalid", str(text))
