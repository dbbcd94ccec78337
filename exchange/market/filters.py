"""What a buyer looks for, and the names by which every answer about it goes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from exchange.catalog.criteria import EVERYTHING, All, Criteria, condition_fields
from exchange.catalog.fields import CHOICES, FieldSpec, FieldType, LeadFields
from exchange.catalog.policies import QualityClass
from exchange.leads.models import LeadKind
from exchange.leads.temperature import Temperature
from exchange.market.segments import attribute
from exchange.verification.reputation import Grade

COUNT_MIN: Final = 5  # decision 26: an answer about fewer people than this is not given
FRESH_HOURS: Final = (1, 24, 72, 168)
REGION: Final = "region"  # has a column and an argument of its own
EMAIL, CONSENT = "email", "consent"  # what a lead may have beside its attributes
UNPERSONAL: Final = frozenset({EMAIL, CONSENT})  # which says nothing of the person


class Sort(StrEnum):
    SAFEST = "safest"  # the least upper bound of bad leads first (decision 31)
    NEWEST = "newest"  # the listing that came on sale last
    CHEAPEST = "cheapest"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a buyer looks for; what is left empty does not narrow."""

    vertical_id: UUID | None = None
    regions: tuple[str, ...] = ()
    fresh_hours: int | None = None  # requested at most so long ago
    temperatures: tuple[Temperature, ...] = ()
    kind: LeadKind | None = None
    quality_classes: tuple[QualityClass, ...] = ()
    grades: tuple[Grade, ...] = ()  # of the seller
    price_min: int | None = None  # minor units of the vertical's currency
    price_max: int | None = None
    bad_upper_max: float | None = None  # share of bad leads, by the bound that lists sort by
    checked: bool = False  # verified by us
    is_aged: bool | None = None  # sold to one buyer before; None: either
    has: tuple[str, ...] = ()  # filled in: fields of the schema, EMAIL, CONSENT
    criteria: Criteria = EVERYTHING  # of one vertical's schema
    published_after: datetime | None = None

    @property
    def is_personal(self) -> bool:
        """Whether attributes of people narrow the answer, so that small counts are not told."""
        return self.criteria != EVERYTHING or not UNPERSONAL.issuperset(self.has)

    def told(self, leads: int) -> int | None:
        """The count, or None where attributes were asked for and too few people fit."""
        return None if self.is_personal and leads < COUNT_MIN else leads

    def criteria_by_field(self) -> Mapping[str, Criteria]:
        """The criteria in parts that hold together: those on one field by its facet's name."""
        parts: dict[str, list[Criteria]] = {}
        found = self.criteria.parts if isinstance(self.criteria, All) else (self.criteria,)
        for part in found:
            fields = set(condition_fields(part))
            name = attribute(*fields) if len(fields) == 1 else "criteria"
            parts.setdefault(name, []).append(part)
        return {name: All(tuple(some)) for name, some in parts.items()}


Counts = Mapping[str, int | None]  # by value; None: fewer than five, not told


@dataclass(frozen=True, slots=True)
class Facets:
    """How many leads each choice of a filter would show, the other filters kept."""

    counted_at: datetime
    regions: Counts = field(default_factory=dict)
    kinds: Counts = field(default_factory=dict)
    quality_classes: Counts = field(default_factory=dict)
    grades: Counts = field(default_factory=dict)
    temperatures: Counts = field(default_factory=dict)
    aged: Counts = field(default_factory=dict)  # "true": sold to one buyer before
    fresh_hours: Mapping[int, int | None] = field(default_factory=dict)
    has: Counts = field(default_factory=dict)
    attributes: Mapping[str, Counts] = field(default_factory=dict)  # by field of the schema
    is_exact: bool = True  # else what the viewer has or lists may be among them


def choosable(fields: LeadFields) -> list[FieldSpec]:
    """The fields by whose choices a list can be narrowed, in the order in which people see them."""
    return [spec for spec in fields.attributes if _is_choosable(spec)]


def _is_choosable(spec: FieldSpec) -> bool:
    if spec.name == REGION:
        return False
    return spec.type is FieldType.BOOLEAN or bool(spec.type in CHOICES and spec.choices)


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen of a vertical's schema, by name."""

    attributes: tuple[str, ...]  # whose values are choices
    has: tuple[str, ...]  # that not every lead has


def choices_of(fields: LeadFields | None) -> Choices:
    """The choices over these fields; without a vertical what leads of every one may lack.

    Worth asking for are optional amounts, the e-mail address and the proof of consent.
    """
    if fields is None:
        return Choices((), (EMAIL, CONSENT))
    amounts = (spec for spec in fields.attributes if spec.type is FieldType.MONEY)
    lacking = [spec.name for spec in amounts if not spec.required]
    email = fields.by_name.get(EMAIL)
    if email is not None and not email.required:
        lacking.append(EMAIL)
    return Choices(tuple(spec.name for spec in choosable(fields)), (*lacking, CONSENT))


@dataclass(frozen=True, slots=True)
class Age:
    """A freshness band: how old a lead was, in hours from when the person asked."""

    over: int  # excluded
    within: int | None  # included; None: however old

    def __str__(self) -> str:
        return f"{self.over}-{self.within or ''}"


AGES: Final = (*map(Age, (0, *FRESH_HOURS), FRESH_HOURS), Age(FRESH_HOURS[-1], None))


def age_band(age: timedelta) -> Age:
    """The band that a lead of this age is in."""
    hours = age / timedelta(hours=1)
    return next(band for band in AGES if band.within is None or hours <= band.within)
