"""Contracts to begin from: three for each kind of lead, from its fields and from what was sold.

Nothing in them is made up. A price is the median of what was paid lately, or is left to the buyer;
what is asked about people is what most leads of the kind were sold with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.catalog.criteria import Is
from exchange.catalog.fields import FieldSpec, FieldType, LeadFields
from exchange.catalog.models import Vertical
from exchange.core.errors import NotFound
from exchange.core.money import Money
from exchange.market import queries as market
from exchange.market.contract_terms import Caps, Period, Terms
from exchange.market.queries import MostSold
from exchange.market.queries.forecasts import HISTORY_DAYS, fitting_leads, is_told
from exchange.market.queries.supply import Supply, supply

TRIAL_LEADS: Final = 10  # decision 13
FRESH_HOURS: Final = 24
DAY_CAP: Final = 5  # leads: whoever begins spends no more than a few prices a day


class PresetKind(StrEnum):
    """What a contract can begin as."""

    TRIAL = "trial"  # ten fresh leads, then it pauses itself
    SOLD = "sold"  # what most leads were sold with
    CALLED = "called"  # only people whom we have called


@dataclass(frozen=True, slots=True)
class Preset:
    """A contract to begin from, with what came on sale that it would have fitted."""

    kind: PresetKind
    terms: Terms
    price: Money | None  # None: not enough sales to name one
    sold: MostSold | None = None
    field: FieldSpec | None = None  # what the most leads were sold with is a value of it
    matched: int | None = None  # leads of the last 30 days; None: too few to be told


def presets(vertical: Vertical, *, viewer: UUID) -> list[Preset]:
    """The presets of a vertical; what was sold most is missing where too little was sold."""
    seen = supply(vertical.id, viewer=viewer, days=HISTORY_DAYS)
    return [replace(one, matched=_matched(one.terms, seen, vertical)) for one in _bare(vertical)]


def get_preset(kind: str, vertical: Vertical) -> Preset:
    """The one that an address names, nothing counted. Raises NotFound."""
    found = next((one for one in _bare(vertical) if one.kind == kind), None)
    if found is None:
        raise NotFound
    return found


def title_of(preset: Preset, *, language: str) -> str:
    """What the gallery calls it, and the contract that begins from it."""
    if preset.sold and preset.field:
        answer = preset.field.value_label(preset.sold.value, language=language)
        return str(_("What is sold most: %(answer)s", answer=answer))
    is_trial = preset.kind is PresetKind.TRIAL
    return str(_("Try ten fresh leads") if is_trial else _("Only people whom we called"))


def _matched(terms: Terms, seen: Supply, vertical: Vertical) -> int | None:
    people = len(fitting_leads(terms, seen, price=0, vertical=vertical))
    return people * seen.step if is_told(terms, people) else None


def _bare(vertical: Vertical) -> Iterator[Preset]:
    paid = market.price_guidance(vertical.id, currency=vertical.currency)
    usual, capped = paid.median if paid else None, Caps(leads={Period.DAY: DAY_CAP})
    zone = vertical.time_zone
    trial = Terms(time_zone=zone, age_hours_max=FRESH_HOURS, trial_leads=TRIAL_LEADS)
    yield Preset(PresetKind.TRIAL, trial, usual)
    field = _first_question(catalog.get_schema(vertical).fields)
    most = field and market.most_sold(vertical.id, field.name, currency=vertical.currency)
    if field and most:
        terms = Terms(time_zone=zone, criteria=Is(field.name, most.value), caps=capped)
        yield Preset(PresetKind.SOLD, terms, most.median, most, field)
    called = Terms(time_zone=zone, checked_only=True, caps=capped)
    yield Preset(PresetKind.CALLED, called, usual)


def _first_question(fields: LeadFields) -> FieldSpec | None:
    """What every lead of the kind is asked first with answers to choose from."""
    asked: Sequence[FieldSpec] = [
        spec for spec in fields.attributes if spec.required and spec.type is FieldType.CHOICE
    ]
    return asked[0] if asked else None
