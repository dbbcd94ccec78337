"""How a seller says on a page how leads are sold: the form, and what it makes of a listing.

A page states everything it shows, so what is left empty is emptied; days end by the clock of the
vertical.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from exchange.catalog.fields import CHOICES, FieldSpec, LeadFields
from exchange.core.errors import N_
from exchange.core.forms import AmountField, IdField, PageQuery
from exchange.core.money import Currency, Money
from exchange.market.decay import Fall
from exchange.market.models import CHOSEN_MODES, Listing, ListingMode, ListingStatus
from exchange.market.services.listing_terms import FAR
from exchange.sellers.bulk import CHOSEN_MAX, Deed

CHOOSE: Final = N_("Choose listings first, at most a hundred.")
PREFIX: Final = "a."  # of a form field that names choices of a field of the leads


class ListingForm(Schema):
    """The terms of a listing as its page shows them. A percentage of two decimals is in bps."""

    price = AmountField(required=True)
    mode = fields.Enum(ListingMode, by_value=True, validate=validate.OneOf(sorted(CHOSEN_MODES)))
    decay = AmountField(load_default=None)  # percent a day
    decay_floor = AmountField(load_default=None)
    buyers_only = fields.List(fields.String(), load_default=list)
    buyers_never = fields.List(fields.String(), load_default=list)
    expires_on = fields.Date(load_default=None)


class ListingsQuery(PageQuery):
    """Which of the own listings."""

    vertical = fields.String(load_default="")  # a code
    status = fields.Enum(ListingStatus, by_value=True, load_default=None)
    mode = fields.Enum(ListingMode, by_value=True, load_default=None)


class DeedForm(Schema):
    """What is done with several listings at once; a price changes by a percentage."""

    ids = fields.List(
        IdField(Listing),
        required=True,
        validate=validate.Length(1, CHOSEN_MAX, error=CHOOSE),
        error_messages={"required": CHOOSE},
    )
    deed = fields.Enum(Deed, by_value=True, required=True)
    percent = fields.Integer(load_default=None, validate=validate.Range(-90, 100))
    last_day = fields.Date(load_default=None)

    @validates_schema
    def _says_how(self, data: dict[str, Any], **_more: Any) -> None:  # Any: as marshmallow calls
        if data["deed"] is Deed.PRICE and not data["percent"]:
            raise ValidationError(N_("Say by how many percent."), "percent")
        if data["deed"] is Deed.UNTIL and data["last_day"] is None:
            raise ValidationError(N_("Say which day is the last."), "last_day")


class AgedForm(Schema):
    """What an aged lead costs; nothing, where they are listed already."""

    price = AmountField(load_default=None)


def changes_of(
    form: Mapping[str, Any],  # Any: loaded by ListingForm
    *,
    currency: Currency,
    zone: str,
    listing: Listing | None = None,
) -> dict[str, Any]:  # Any: of Changes
    """The form as changes of a listing, or of a new one."""
    found = {name: form[name] for name in ("mode", "buyers_only", "buyers_never") if name in form}
    found["price"] = Money(form["price"], currency)
    found["decay"] = None
    if form["decay"]:
        floor = Money(form["decay_floor"] or 0, currency)
        found["decay"] = Fall(form["decay"], floor)
    found["expires_at"] = _expiry(form["expires_on"], zone, listing)
    return found


def last_day(at: datetime | None, zone: str) -> date | None:
    """The last day on which something that ends at a moment is still there."""
    return at and (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()


def end_of_day(day: date, zone: str) -> datetime:
    """The moment at which a last day is over; of a day too far away, one that is too far as well.

    The verb refuses both, and the calendar itself ends before every day has a next one.
    """
    return datetime.combine(min(day, FAR.date()) + timedelta(days=1), time(), ZoneInfo(zone))


def filterable(known: LeadFields) -> list[FieldSpec]:
    """The fields by whose choices a lot can be divided on a page."""
    return [spec for spec in known.attributes if spec.type in CHOICES and spec.choices]


def criteria_of(sent: Any, known: LeadFields) -> dict[str, Any]:  # Any: werkzeug's form
    """The ticked choices as criteria: one of each field's, all of them at once."""
    ticked = {spec.name: sent.getlist(PREFIX + spec.name) for spec in filterable(known)}
    parts = [{"field": name, "in": values} for name, values in ticked.items() if values]
    return {"all": parts} if parts else {}


def ticks_of(criteria: Mapping[str, Any]) -> dict[str, Sequence[str]] | None:
    """The choices that make these criteria, by field; None where a page cannot say them."""
    parts = criteria.get("all")
    if not isinstance(parts, list) or any(part.keys() != {"field", "in"} for part in parts):
        return None
    return {part["field"]: part["in"] for part in parts}


def _expiry(day: date | None, zone: str, listing: Listing | None) -> datetime | None:
    """The end of the day; the exact moment of before, where the day is the same."""
    if day is None:
        return None
    if listing is not None and last_day(listing.expires_at, zone) == day:
        return listing.expires_at
    return end_of_day(day, zone)
