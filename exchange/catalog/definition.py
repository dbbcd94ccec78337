"""The whole definition of a vertical: its fields, terms and call scripts as one value.

A definition is versioned, never edited: what was agreed stays readable as it was agreed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from exchange.catalog.calling import AttemptsPolicy, CallingHours
from exchange.catalog.field_definitions import field_problems, fields_from_json, fields_to_json
from exchange.catalog.fields import Labels, LeadFields, label_in
from exchange.catalog.policies import (
    ANY_FIELD,
    USUAL_CHECKS,
    USUAL_RETENTION,
    Audience,
    CheckPolicy,
    ConsentPolicy,
    DuplicatePolicy,
    QualityClass,
    RetentionPolicy,
    ReturnReason,
    UncoveredReason,
)
from exchange.catalog.scripts import VARIABLES, Script, script_problems
from exchange.catalog.values import DateOrder, ParseContext
from exchange.core.errors import FieldProblem
from exchange.core.money import Currency, Money


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms leads of the vertical are taken in, checked, sold and returned."""

    audience: Audience
    minimum_age: int  # years
    duplicate_window_days: int
    max_age_days: int  # since the request; older leads are refused at intake
    return_window_hours: int  # from delivery
    return_reasons: tuple[ReturnReason, ...]  # covered
    uncovered_reasons: tuple[UncoveredReason, ...]
    typical_prices: Mapping[QualityClass, int]  # minor units; the classes allowed are its keys
    commission_bps: int
    inspection_price: int  # minor units per lead of a full inspection
    calling_hours: CallingHours
    attempts: AttemptsPolicy
    reachability_norm_bps: int  # people whom the decision policy reaches, to begin with
    consent: ConsentPolicy
    duplicates: DuplicatePolicy = ANY_FIELD
    retention: RetentionPolicy = USUAL_RETENTION
    checks: CheckPolicy = USUAL_CHECKS

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:  # Any: JSON of the checked shape
        """Read the terms; the shape was checked when the definition was loaded."""
        prices = {QualityClass(code): price for code, price in data["typical_prices"].items()}
        return cls(
            audience=Audience(data["audience"]),
            minimum_age=data["minimum_age"],
            duplicate_window_days=data["duplicate_window_days"],
            max_age_days=data["max_age_days"],
            return_window_hours=data["return_window_hours"],
            return_reasons=tuple(map(ReturnReason, data["return_reasons"])),
            uncovered_reasons=tuple(map(UncoveredReason, data["uncovered_reasons"])),
            typical_prices={grade: prices[grade] for grade in QualityClass if grade in prices},
            commission_bps=data["commission_bps"],
            inspection_price=data["inspection_price"],
            calling_hours=CallingHours.from_json(data["calling_hours"]),
            attempts=AttemptsPolicy(**data["attempts"]),
            reachability_norm_bps=data["reachability_norm_bps"],
            consent=ConsentPolicy(**data["consent"]),
            # Terms that were agreed before these policies were known say nothing about them.
            duplicates=DuplicatePolicy.from_json(data["duplicates"])
            if "duplicates" in data
            else ANY_FIELD,
            retention=RetentionPolicy(**data.get("retention", {})),
            checks=CheckPolicy(**data.get("checks", {})),
        )

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form that `from_json` reads."""
        return {
            "audience": str(self.audience),
            "minimum_age": self.minimum_age,
            "duplicate_window_days": self.duplicate_window_days,
            "max_age_days": self.max_age_days,
            "return_window_hours": self.return_window_hours,
            "return_reasons": list(map(str, self.return_reasons)),
            "uncovered_reasons": list(map(str, self.uncovered_reasons)),
            "typical_prices": {str(code): price for code, price in self.typical_prices.items()},
            "commission_bps": self.commission_bps,
            "inspection_price": self.inspection_price,
            "calling_hours": self.calling_hours.to_json(),
            "attempts": asdict(self.attempts),
            "reachability_norm_bps": self.reachability_norm_bps,
            "consent": asdict(self.consent),
            "duplicates": self.duplicates.to_json(),
            "retention": asdict(self.retention),
            "checks": asdict(self.checks),
        }


# What is said of the vertical itself, in the order of the JSON form.
PROFILE_KEYS: Final = (
    "code",
    "label",
    "description",
    "country",
    "currency",
    "language",
    "locale",
    "time_zone",
    "phone_region",
    "date_order",
    "decimal_separator",
)


@dataclass(frozen=True)
class VerticalDefinition:
    """One vertical in one country, as an operator publishes it."""

    code: str
    label: Labels
    description: Labels
    country: str  # ISO 3166-1 alpha-2
    currency: Currency
    language: str  # its people's own: the script is spoken in it
    locale: str
    time_zone: str
    phone_region: str  # of numbers without a country code
    date_order: DateOrder  # how files of this country usually write; a batch may declare another
    decimal_separator: str
    fields: LeadFields
    terms: Terms
    scripts: tuple[Script, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:  # Any: JSON of the checked shape
        """Read a definition whose shape was checked, as `to_json` made it."""
        profile = {key: data[key] for key in PROFILE_KEYS}
        profile["currency"] = Currency(data["currency"])
        profile["date_order"] = DateOrder(data["date_order"])
        return cls(
            **profile,
            fields=fields_from_json(data["fields"]),
            terms=Terms.from_json(data["terms"]),
            scripts=tuple(Script.from_json(script) for script in data["scripts"]),
        )

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form that is stored, compared and edited; nothing in it is abbreviated."""
        return {
            **self.profile(),
            "fields": fields_to_json(self.fields),
            "terms": self.terms.to_json(),
            "scripts": [script.to_json() for script in self.scripts],
        }

    def profile(self) -> dict[str, Any]:  # Any: JSON
        """The part of `to_json` that says what and where the vertical is."""
        profile = {key: getattr(self, key) for key in PROFILE_KEYS}
        for key in ("label", "description"):
            profile[key] = dict(profile[key])
        return {k: v if isinstance(v, dict) else str(v) for k, v in profile.items()}

    def label_in(self, language: str) -> str:
        """What people call the vertical; English where the language is missing."""
        return label_in(self.label, language)

    @property
    def quality_classes(self) -> tuple[QualityClass, ...]:
        """The classes that a seller may choose."""
        return tuple(self.terms.typical_prices)

    def typical_price(self, grade: QualityClass) -> Money:
        """The operator's typical price of a lead of this class. Raises KeyError if not allowed."""
        return Money(self.terms.typical_prices[grade], self.currency)

    @property
    def inspection_price(self) -> Money:
        """What full inspection costs the seller per lead."""
        return Money(self.terms.inspection_price, self.currency)

    @property
    def pay_per_attempt(self) -> Money:
        """What a verifier earns with a call that reached nobody."""
        return Money(self.terms.checks.pay_per_attempt, self.currency)

    @property
    def pay_per_verdict(self) -> Money:
        """What a verifier earns with a result."""
        return Money(self.terms.checks.pay_per_verdict, self.currency)

    def script_in(self, language: str) -> Script:
        """The script in the language, else in the vertical's own."""
        by_language = {script.language: script for script in self.scripts}
        return by_language.get(language) or by_language[self.language]

    def context(self) -> ParseContext:
        """How values are read where a batch declares nothing else."""
        return ParseContext(
            country=self.country,
            currency=self.currency,
            time_zone=self.time_zone,
            date_order=self.date_order,
            decimal_separator=self.decimal_separator,
        )

    def time_zone_of(self, region: str | None) -> str:
        """The zone of the person's region where the schema knows it, else the vertical's."""
        spec = self.fields.by_name.get("region")
        choice = spec.choice_by_value.get(region or "") if spec else None
        return (choice.time_zone if choice else None) or self.time_zone


def problems(definition: VerticalDefinition) -> list[FieldProblem]:
    """Everything wrong with the meaning of a definition, each by its JSON pointer."""
    found = list(_profile_problems(definition))
    if not found:  # reading an example needs a time zone that exists
        found += field_problems(definition.fields, definition.context(), pointer="/fields")
    return [*found, *_terms_problems(definition), *_scripts_problems(definition)]


def _profile_problems(definition: VerticalDefinition) -> Iterator[FieldProblem]:
    zones = [("/time_zone", definition.time_zone)]
    for i, spec in enumerate(definition.fields.specs):
        zones += [
            (f"/fields/{i}/choices/{j}/time_zone", choice.time_zone)
            for j, choice in enumerate(spec.choices)
            if choice.time_zone
        ]
    for pointer, zone in zones:
        if not _is_zone(zone):
            yield FieldProblem(pointer, "time_zone_unknown", f"There is no time zone {zone}.")
    for key in ("en", definition.language):
        if key not in definition.label:
            yield FieldProblem("/label", "label_missing", f"The name in {key} is missing.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _terms_problems(definition: VerticalDefinition) -> Iterator[FieldProblem]:
    terms = definition.terms
    if QualityClass.STANDARD not in terms.typical_prices:
        detail = "The standard class is what a seller gets without choosing."
        yield FieldProblem("/terms/typical_prices", "class_missing", detail)
    for i, day in enumerate(terms.calling_hours.days):
        ends = [end for span in day for end in span]
        if ends != sorted(set(ends)):
            detail = f"The spans of weekday {i + 1} overlap or end before they begin."
            yield FieldProblem("/terms/calling_hours", "hours_invalid", detail)
    if not any(terms.calling_hours.days):
        detail = "Nobody may ever be called."
        yield FieldProblem("/terms/calling_hours", "hours_invalid", detail)
    if terms.attempts.decision_attempts > terms.attempts.attempts_max:
        detail = "A look cannot take more attempts than there are."
        yield FieldProblem("/terms/attempts/decision_attempts", "too_large", detail)
    yield from _consent_problems(definition)


def _consent_problems(definition: VerticalDefinition) -> Iterator[FieldProblem]:
    consent = definition.terms.consent
    wanted = {
        "consent_text": consent.text_required,
        "consent_at": consent.time_required,
        "consent_url": consent.url_required,
        "consent_buyers": consent.named_buyer_required,
    }
    # Not a required field: a row without it is taken in, outside the sampling frame.
    if consent.quality_check_required and "consent_quality_check" not in definition.fields.by_name:
        detail = "The consent policy asks for consent_quality_check, which no field holds."
        yield FieldProblem("/fields", "field_missing", detail)
    for name, is_wanted in wanted.items():
        spec = definition.fields.by_name.get(name)
        if is_wanted and (spec is None or not spec.required):
            detail = f"The consent policy asks for {name}, which no required field holds."
            yield FieldProblem("/fields", "field_missing", detail)


def _scripts_problems(definition: VerticalDefinition) -> Iterator[FieldProblem]:
    required = (spec.name for spec in definition.fields.required if spec.is_attribute)
    variables = VARIABLES | frozenset(required)
    for i, script in enumerate(definition.scripts):
        yield from script_problems(script, variables=variables, pointer=f"/scripts/{i}")
        if script.shape() != definition.scripts[0].shape():
            detail = f"The script in {script.language} has another tree than the first."
            yield FieldProblem(f"/scripts/{i}", "translation_differs", detail)
    languages = [script.language for script in definition.scripts]
    if len(set(languages)) < len(languages):
        yield FieldProblem("/scripts", "duplicate_language", "Two scripts have one language.")
    if definition.language not in languages:
        detail = f"The script in {definition.language} is missing."
        yield FieldProblem("/scripts", "script_missing", detail)
