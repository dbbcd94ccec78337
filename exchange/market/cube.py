"""What is on sale, counted from sets in memory: a snapshot of the market and what it answers. Pure.

The leads of a vertical stand on one shelf, listing behind listing. A filter is a set of places,
so any combination of them is a few ANDs, and a count is one `int.bit_count`. A snapshot is never
changed, and never trusted for money: an order asks the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any, Final
from uuid import UUID

from exchange.catalog.criteria import Is
from exchange.catalog.fields import Value
from exchange.core import bits
from exchange.market.filters import (
    COUNT_MIN,
    FRESH_HOURS,
    UNPERSONAL,
    Choices,
    Counts,
    Facets,
    Filters,
    Sort,
)
from exchange.market.open_values import Shared
from exchange.market.segments import (
    Segment,
    Sliced,
    attribute,
    moment_of,
    word_of,
)
from exchange.market.shelves import (
    NAMED,
    REQUESTED,
    ListingFacts,
    Shelf,
    Stand,
    fresh,
)

OLDEST: Final = timedelta(seconds=60)  # a snapshot that is older answers nothing
Mark = tuple[Any, ...]  # Any: figures that change when a lot's leads do
FACETS: Final = (
    *("regions", "kinds", "quality_classes", "grades", "temperatures", "aged", "fresh_hours"),
)
SortKey = Callable[[UUID, int, float], tuple[float, int]]  # of id, price and bound
KEYS: Final[Mapping[Sort, SortKey]] = {
    Sort.NEWEST: lambda id_, _price, _bound: (0, -id_.int),
    Sort.CHEAPEST: lambda id_, price, _bound: (price, id_.int),
    Sort.SAFEST: lambda id_, _price, bound: (bound, -id_.int),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks."""

    public_id: str
    names: frozenset[str]  # by what a consent may name them
    relatives: frozenset[UUID]  # whose listings are not for them: their own among them


@dataclass(frozen=True, slots=True)
class Fit:
    """A listing in the answer with the places of its leads that fit."""

    stand: Stand
    places: int

    def key(self, sort: Sort) -> tuple[float, int]:
        """By which the answer is sorted."""
        facts = self.stand.facts
        return KEYS[sort](facts.id, facts.price, facts.bad_upper)

    @property
    def leads(self) -> int:
        """How many leads fit."""
        return self.places.bit_count()

    @property
    def freshest_at(self) -> datetime:
        """When the last of them asked."""
        return moment_of(bits.largest(self._requested.digits, among=self.places))

    @property
    def oldest_at(self) -> datetime:
        """When the first of them asked."""
        return moment_of(bits.smallest(self._requested.digits, among=self.places))

    @property
    def _requested(self) -> Sliced:
        return self.stand.segment.numbers[REQUESTED]

    def regions(self) -> list[tuple[str, int]]:
        """Where everybody of the listing lives who can be sold, most first."""
        counted = bits.count_each(self.stand.goods.live, self.stand.segment.sets["region"])
        return sorted(counted.items(), key=lambda found: (-found[1], found[0]))


@dataclass(frozen=True, slots=True)
class Cube:
    """The whole market as it was at `counted_at`."""

    counted_at: datetime
    shelves: Mapping[UUID, Shelf]  # by vertical

    def is_usable(self, now: datetime) -> bool:
        """Whether it is young enough to answer."""
        return now - self.counted_at <= OLDEST

    def found(self, filters: Filters, viewer: Viewer, sort: Sort) -> list[Fit]:
        """Every listing with leads that fit, in the order asked for."""
        fits = (
            fit
            for shelf in self._shelves(filters)
            for fit in _fits(shelf, reduce(and_, self._sets(shelf, filters, viewer).values()))
        )
        return sorted(fits, key=lambda fit: fit.key(sort))

    def facets(self, filters: Filters, viewer: Viewer, choices: Choices) -> Facets:
        """The choices of each filter with their counts, the other filters kept."""
        counts: dict[str, dict[str, int]] = {}
        for shelf in self._shelves(filters):
            for name, values in _counted(shelf, self._sets(shelf, filters, viewer), choices):
                into = counts.setdefault(name, {})
                for value, leads in values.items():
                    into[value] = into.get(value, 0) + leads
        return facets_of(counts, filters, counted_at=self.counted_at, is_exact=False)

    def shared(self, filters: Filters, asked: Mapping[str, Collection[Value]]) -> Shared:
        """Those of the values, by field, that five leads on sale have."""
        shelves = self._shelves(filters)

        def leads(field: str, value: Value) -> int:
            return sum((one.leads.fits(Is(field, value)) & one.once).bit_count() for one in shelves)

        return {
            field: frozenset(value for value in values if leads(field, value) >= COUNT_MIN)
            for field, values in asked.items()
        }

    def _shelves(self, filters: Filters) -> Sequence[Shelf]:
        if filters.vertical_id is None:
            return list(self.shelves.values())
        found = self.shelves.get(filters.vertical_id)
        return [] if found is None else [found]

    def _sets(self, shelf: Shelf, filters: Filters, viewer: Viewer) -> dict[str, int]:
        """The places that meet each filter, by its name; "offered" is what this viewer may see."""
        return {
            "offered": shelf.live
            & _nameable(shelf, viewer)
            & shelf.of_stands(
                lambda one: _is_offered(one.facts, filters, viewer=viewer, now=self.counted_at)
            ),
            **dict(_narrowed(shelf, filters, now=self.counted_at)),
        }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The cube with what it was made from, so that the next one reads only what changed."""

    cube: Cube
    marks: Mapping[UUID, Mark]  # by listing
    segments: Mapping[UUID, tuple[int, Segment]]  # by lot, with the rows that it had


def facets_of(
    counts: Mapping[str, Mapping[str, int]],
    filters: Filters,
    *,
    counted_at: datetime,
    is_exact: bool,
) -> Facets:
    """Counts by the names of filters as they are told: most first, few people not at all."""

    def told(name: str) -> Counts:
        found = sorted(counts.get(name, {}).items(), key=lambda one: (-one[1], one[0]))
        return {value: filters.told(leads) for value, leads in found}

    hours = counts.get("fresh_hours", {})
    return Facets(
        counted_at=counted_at,
        regions=told("regions"),
        kinds=told("kinds"),
        quality_classes=told("quality_classes"),
        grades=told("grades"),
        temperatures=told("temperatures"),
        aged=told("aged"),
        fresh_hours={one: filters.told(hours.get(str(one), 0)) for one in FRESH_HOURS},
        has={
            name: leads if name in UNPERSONAL or leads is None or leads >= COUNT_MIN else None
            for name, leads in told("has").items()
        },
        attributes={
            name.removeprefix("a."): {
                value: leads if leads is None or leads >= COUNT_MIN else None
                for value, leads in told(name).items()
            }
            for name in sorted(counts)
            if name.startswith("a.")
        },
        is_exact=is_exact,
    )


def _is_offered(facts: ListingFacts, filters: Filters, *, viewer: Viewer, now: datetime) -> bool:
    """Whether the viewer may see the listing, and it is what they ask for as a whole."""
    return (
        facts.seller_id not in viewer.relatives
        and (facts.expires_at is None or now < facts.expires_at)
        and (not facts.buyers_only or viewer.public_id in facts.buyers_only)
        and viewer.public_id not in facts.buyers_never
        and (filters.price_min is None or facts.price >= filters.price_min)
        and (filters.price_max is None or facts.price <= filters.price_max)
        and (filters.bad_upper_max is None or facts.bad_upper <= filters.bad_upper_max)
        and (filters.published_after is None or facts.published_at > filters.published_after)
    )


def _nameable(shelf: Shelf, viewer: Viewer) -> int:
    """Leads whose consent names nobody, or the viewer."""
    named = shelf.leads.sets.get(NAMED, {})
    ours = reduce(or_, (named.get(name, 0) for name in viewer.names), 0)
    others = bits.minus(reduce(or_, named.values(), 0), ours)
    return bits.minus(bits.up_to(shelf.leads.size), others)


def _narrowed(shelf: Shelf, filters: Filters, *, now: datetime) -> Iterator[tuple[str, int]]:
    """The places that meet each filter that is set, by the name of its facet."""
    yield from _chosen(shelf, filters)
    if filters.fresh_hours is not None:
        yield "fresh_hours", fresh(shelf, filters.fresh_hours, now=now)
    if filters.checked:
        yield "checked", shelf.sets["checked"]["yes"]
    if filters.has:
        has = shelf.sets["has"]
        yield "has", reduce(and_, (has.get(name, 0) for name in filters.has))
    for name, criteria in filters.criteria_by_field().items():
        yield name, shelf.leads.fits(criteria)


def _chosen(shelf: Shelf, filters: Filters) -> Iterator[tuple[str, int]]:
    wanted: Mapping[str, Collection[str]] = {
        "regions": filters.regions,
        "kinds": (filters.kind,) if filters.kind else (),
        "quality_classes": filters.quality_classes,
        "grades": filters.grades,
        "temperatures": filters.temperatures,
        "aged": () if filters.is_aged is None else (word_of(filters.is_aged),),
    }
    for name, values in wanted.items():
        if values:
            places = (shelf.sets[name].get(str(value), 0) for value in values)
            yield name, reduce(or_, places)


def _counted(
    shelf: Shelf, sets: Mapping[str, int], choices: Choices
) -> Iterator[tuple[str, dict[str, int]]]:
    """The counts of each facet. What a lead has is asked for together, so it narrows itself."""
    every = reduce(and_, sets.values())
    for name, values in _asked(shelf, choices):
        own = name in sets and name != "has"
        others = reduce(and_, (of for key, of in sets.items() if key != name)) if own else every
        yield name, bits.count_each(others, values)


def _asked(shelf: Shelf, choices: Choices) -> Iterator[tuple[str, Mapping[str, int]]]:
    for name in FACETS:
        yield name, shelf.sets[name]
    yield "has", {name: shelf.sets["has"].get(name, 0) for name in choices.has}
    for field in choices.attributes:
        yield attribute(field), shelf.leads.sets.get(attribute(field), {})


def _fits(shelf: Shelf, places: int) -> Iterator[Fit]:
    """The stands with some of these places, each with its own."""
    row = places.to_bytes(shelf.starts[-1], "little")
    for number, stand in enumerate(shelf.stands):
        own = int.from_bytes(row[shelf.starts[number] : shelf.starts[number + 1]], "little")
        if own:
            yield Fit(stand, own)
