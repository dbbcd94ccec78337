"""Listings with their leads, one behind the other: the sets that answers are made from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import accumulate
from operator import or_
from typing import Final
from uuid import UUID

from exchange.catalog.policies import QualityClass
from exchange.core import bits
from exchange.leads.models import LeadKind
from exchange.leads.temperature import FRESH, Temperature, temperature
from exchange.market.filters import (
    FRESH_HOURS,
)
from exchange.market.segments import (
    Form,
    Segment,
    Sliced,
    join,
    join_places,
    moment_number,
    width,
    word_of,
)
from exchange.verification.reputation import Grade

REQUESTED: Final = ("requested_at", Form.MOMENT)
NAMED: Final = "named"  # by whom the consent names, folded
SAME_NAMES: Final = {"regions": "region", "has": "has"}  # facets that the sets of leads answer


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """What of a listing decides who sees it and where it stands."""

    id: UUID
    batch_id: UUID
    vertical_id: UUID
    seller_id: UUID
    grade: Grade
    quality_class: QualityClass
    price: int  # minor units
    is_aged: bool  # its leads were sold to one buyer before
    bad_upper: float
    published_at: datetime
    expires_at: datetime | None
    buyers_only: frozenset[str]  # public ids
    buyers_never: frozenset[str]


@dataclass(frozen=True, slots=True)
class Warm:
    """A lead whose warmth is not its age alone."""

    place: int
    requested_at: datetime
    asks: int
    last_asked_at: datetime | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Goods:
    """What of a lot can be sold at present, and how it stands with it."""

    live: int  # places
    leads: int  # that the listing is about
    sold: int  # sales so far
    kind: LeadKind
    sales_max: int
    checked: int  # places of people whom we called
    warm: tuple[Warm, ...]


@dataclass(frozen=True, slots=True)
class Stand:
    """A listing with its leads."""

    facts: ListingFacts
    goods: Goods
    segment: Segment


@dataclass(frozen=True, slots=True)
class Shelf:
    """The stands of a vertical at a moment."""

    stands: Sequence[Stand]
    leads: Segment  # of all stands, one behind the other
    starts: Sequence[int]  # byte at which each stand begins, and the end
    live: int
    once: int  # the same, a lead that stands in two listings in the first of them alone
    sets: Mapping[str, Mapping[str, int]]  # by name of a facet and value

    @property
    def moments(self) -> Sliced:
        """When people asked."""
        return self.leads.numbers[REQUESTED]

    def of_stands(self, belongs: Callable[[Stand], bool]) -> int:
        """All places of the stands that the predicate picks."""
        sizes = ((end - start) for start, end in zip(self.starts, self.starts[1:], strict=False))
        parts = (
            b"\xff" * size if belongs(stand) else bytes(size)
            for stand, size in zip(self.stands, sizes, strict=True)
        )
        return int.from_bytes(b"".join(parts), "little")


def shelf_of(stands: Sequence[Stand], *, now: datetime, former: Shelf | None = None) -> Shelf:
    """The shelf of these stands; the former one spares the joining where nothing was added."""
    segments = [stand.segment for stand in stands]
    same = former is not None and [one.segment for one in former.stands] == segments
    leads = former.leads if former is not None and same else join(segments)
    starts = [0, *accumulate(map(width, segments))]
    live = join_places((width(one.segment), one.goods.live) for one in stands)
    bare = Shelf(stands, leads, starts, live, _once(stands), {})
    return replace(bare, sets=_sets(bare, now))


def _once(stands: Sequence[Stand]) -> int:
    seen: dict[UUID, int] = {}  # by lot
    parts = []
    for one in stands:
        before = seen.get(one.facts.batch_id, 0)
        parts.append((width(one.segment), bits.minus(one.goods.live, before)))
        seen[one.facts.batch_id] = before | one.goods.live
    return join_places(parts)


def _sets(shelf: Shelf, now: datetime) -> dict[str, Mapping[str, int]]:
    """The choices of every facet: those of leads, of their listings and of the moment."""
    return {
        **{facet: shelf.leads.sets.get(name, {}) for facet, name in SAME_NAMES.items()},
        "kinds": _by(shelf, lambda one: one.goods.kind),
        "quality_classes": _by(shelf, lambda one: one.facts.quality_class),
        "grades": _by(shelf, lambda one: one.facts.grade),
        "aged": _by(shelf, lambda one: word_of(one.facts.is_aged)),
        "fresh_hours": {str(hours): fresh(shelf, hours, now=now) for hours in FRESH_HOURS},
        "temperatures": _temperatures(shelf, now),
        "checked": {"yes": join_places((width(s.segment), s.goods.checked) for s in shelf.stands)},
    }


def _by(shelf: Shelf, value: Callable[[Stand], str]) -> dict[str, int]:
    values = {str(value(stand)) for stand in shelf.stands}
    return {one: shelf.of_stands(lambda stand: str(value(stand)) == one) for one in values}  # noqa: B023  # called at once


def fresh(shelf: Shelf, hours: int, *, now: datetime) -> int:
    """The places of people who asked at most so long ago."""
    return shelf.moments.at_least(moment_number(now - timedelta(hours=hours)))


def _temperatures(shelf: Shelf, now: datetime) -> dict[str, int]:
    """Most leads are as warm as they are young; the others are asked one by one."""
    found = {
        value: join_places(
            (width(one.segment), _as_warm(one, value, now=now)) for one in shelf.stands
        )
        for value in Temperature
    }
    others = bits.minus(shelf.moments.filled, reduce(or_, found.values()))
    young = others & shelf.moments.at_least(moment_number(now - FRESH) + 1)
    found[Temperature.WARM] |= young
    found[Temperature.COLD] |= bits.minus(others, young)
    return {str(value): places for value, places in found.items()}


def _as_warm(stand: Stand, value: Temperature, *, now: datetime) -> int:
    places = (
        warm.place
        for warm in stand.goods.warm
        if temperature(
            requested_at=warm.requested_at,
            asks=warm.asks,
            last_asked_at=warm.last_asked_at,
            checked_at=warm.checked_at,
            now=now,
        ).value
        is value
    )
    return bits.of(places, size=stand.segment.size)
