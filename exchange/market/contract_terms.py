"""What a contract asks of a lead and how much of it: its terms as values, read from JSON. Pure.

Times of day, days and months are those of the contract's own clock; a period begins at a moment,
so the hour that a clock shows twice in autumn is two hours, and a day has 23 or 25 of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from exchange.catalog.criteria import EVERYTHING, Criteria, from_json, to_json
from exchange.catalog.fields import LeadFields
from exchange.catalog.policies import QualityClass
from exchange.leads.models import LeadKind


class Period(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"
    TOTAL = "total"


BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)  # where the one period TOTAL starts


def period_start(period: Period, moment: datetime, *, time_zone: str) -> datetime:
    """The moment in UTC at which the period that holds `moment` began."""
    if period is Period.TOTAL:
        return BEGINNING
    if period is Period.HOUR:
        # Offsets of whole minutes: the hour of a clock begins where its minutes are zero.
        local = moment.astimezone(ZoneInfo(time_zone))
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return moment.astimezone(UTC) - past
    zone = ZoneInfo(time_zone)
    day = moment.astimezone(zone).date()
    if period is Period.WEEK:
        day -= timedelta(days=day.weekday())
    if period is Period.MONTH:
        day = day.replace(day=1)
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that is bought in a period; a period that is missing has no cap."""

    leads: Mapping[Period, int] = field(default_factory=dict)
    amount: Mapping[Period, int] = field(default_factory=dict)  # minor units

    @property
    def periods(self) -> frozenset[Period]:
        """Those that are capped in either way."""
        return frozenset(self.leads) | frozenset(self.amount)


@dataclass(frozen=True, slots=True)
class Opening:
    """When leads are taken on some days of the week, and what they cost then."""

    days: frozenset[int]  # 0 is Monday
    begins: time
    ends: time  # the first moment that is out again; midnight: the end of the day
    price: int | None = None  # minor units; None: the contract's own price

    def holds(self, local: datetime) -> bool:
        """Whether the moment of the contract's clock is inside."""
        is_late = self.ends != time() and local.time() >= self.ends
        return local.weekday() in self.days and local.time() >= self.begins and not is_late


@dataclass(frozen=True, slots=True)
class Radius:
    """Around a postal code, as the crow flies."""

    postal_code: str
    km: int


class PastDue(StrEnum):
    """What becomes of a reported action that the buyer leaves undecided."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class ActionTerms:
    """What is paid for under CPA, and by when it is known."""

    action: str  # in words: "signed application"
    attribution_days: int = 30  # an action this long after delivery still counts
    decision_days: int = 14  # after the report
    past_due: PastDue = PastDue.APPROVE


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that a version of a contract says beside its price; empty does not narrow."""

    time_zone: str
    criteria: Criteria = EVERYTHING
    regions: tuple[str, ...] = ()
    postal_codes: tuple[str, ...] = ()
    radius: Radius | None = None
    kinds: tuple[LeadKind, ...] = (LeadKind.EXCLUSIVE, LeadKind.SHARED)
    quality_classes: tuple[QualityClass, ...] = ()
    age_hours_max: int | None = None  # since the person asked
    bad_upper_max_bps: int | None = None  # of the bound that lists sort by
    checked_only: bool = False  # verified by us
    sellers_only: tuple[str, ...] = ()  # public ids
    sellers_never: tuple[str, ...] = ()
    sources_never: tuple[str, ...] = ()
    approves_sources: bool = False  # a source waits for the buyer's word before its first lead
    caps: Caps = field(default_factory=Caps)
    schedule: tuple[Opening, ...] = ()  # none: always
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    trial_leads: int | None = None  # after so many it pauses itself with a report
    action: ActionTerms | None = None  # of CPA only

    @property
    def asks_people(self) -> bool:
        """Whether it asks what people answered or where they live: what few share is not told."""
        return self.criteria != EVERYTHING or bool(self.postal_codes or self.radius)

    def opening_at(self, moment: datetime) -> Opening | None:
        """The first span of the schedule that holds the moment; None: closed."""
        if not self.schedule:
            return None
        local = moment.astimezone(ZoneInfo(self.time_zone))
        return next((span for span in self.schedule if span.holds(local)), None)

    def is_open(self, moment: datetime) -> bool:
        """Whether the schedule takes leads at the moment; without a schedule always."""
        return not self.schedule or self.opening_at(moment) is not None

    def price_at(self, moment: datetime, *, price: int) -> int:
        """What a lead costs at the moment: `price` unless the schedule says another."""
        opening = self.opening_at(moment)
        return price if opening is None or opening.price is None else opening.price

    @classmethod
    def from_json(cls, data: Mapping[str, Any], fields: LeadFields) -> Self:  # Any: JSON
        """Read what `to_json` wrote. Raises Invalid where the criteria do not fit the fields."""
        return cls(
            time_zone=data["time_zone"],
            criteria=from_json(data.get("criteria", {}), fields),
            radius=Radius(**data["radius"]) if data.get("radius") else None,
            kinds=tuple(map(LeadKind, data["kinds"])),
            quality_classes=tuple(map(QualityClass, data.get("quality_classes", ()))),
            caps=_caps(data.get("caps", {})),
            schedule=tuple(map(_opening, data.get("schedule", ()))),
            starts_at=_moment(data.get("starts_at")),
            ends_at=_moment(data.get("ends_at")),
            action=_action(data.get("action")),
            **_narrowed(data),
        )

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form in which terms are stored; what says nothing is left out."""
        written = {
            "time_zone": self.time_zone,
            "criteria": {} if self.criteria == EVERYTHING else to_json(self.criteria),
            "radius": self.radius
            and {"postal_code": self.radius.postal_code, "km": self.radius.km},
            "kinds": list(map(str, self.kinds)),
            "quality_classes": list(map(str, self.quality_classes)),
            "caps": _written_caps(self.caps),
            "schedule": [_written_opening(span) for span in self.schedule],
            "starts_at": self.starts_at and self.starts_at.isoformat(),
            "ends_at": self.ends_at and self.ends_at.isoformat(),
            "action": self.action and _written_action(self.action),
            **{name: list(getattr(self, name)) for name in _LISTS},
            **{name: getattr(self, name) for name in _PLAIN},
        }
        return {key: value for key, value in written.items() if value not in (None, False, [], {})}


_LISTS: Final = ("regions", "postal_codes", "sellers_only", "sellers_never", "sources_never")
_PLAIN: Final = (
    "age_hours_max", "bad_upper_max_bps", "checked_only", "approves_sources", "trial_leads",
)  # fmt: skip


def _narrowed(data: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON of the checked shape
    # Each once: who is said twice must not count twice on the wanted board.
    lists = {name: tuple(dict.fromkeys(data.get(name, ()))) for name in _LISTS}
    return lists | {name: data[name] for name in _PLAIN if name in data}


def _caps(data: Mapping[str, Any]) -> Caps:
    return Caps(
        leads={Period(key): value for key, value in data.get("leads", {}).items()},
        amount={Period(key): value for key, value in data.get("amount", {}).items()},
    )


def _written_caps(caps: Caps) -> dict[str, dict[str, int]]:
    both = {"leads": caps.leads, "amount": caps.amount}
    return {name: {str(k): v for k, v in held.items()} for name, held in both.items() if held}


def _opening(data: Mapping[str, Any]) -> Opening:
    begins, ends = time.fromisoformat(data["from"]), time.fromisoformat(data["to"])
    return Opening(frozenset(data["days"]), begins, ends, data.get("price"))


def _written_opening(span: Opening) -> dict[str, Any]:
    hours = {"from": f"{span.begins:%H:%M}", "to": f"{span.ends:%H:%M}"}
    price = {} if span.price is None else {"price": span.price}
    return {"days": sorted(span.days), **hours, **price}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _action(data: Mapping[str, Any] | None) -> ActionTerms | None:
    if data is None:
        return None
    return ActionTerms(
        action=data["action"],
        attribution_days=data["attribution_days"],
        decision_days=data["decision_days"],
        past_due=PastDue(data["past_due"]),
    )


def _written_action(action: ActionTerms) -> dict[str, Any]:
    return {
        "action": action.action,
        "attribution_days": action.attribution_days,
        "decision_days": action.decision_days,
        "past_due": str(action.past_due),
    }
