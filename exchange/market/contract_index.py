"""Which contracts a lead fits, found by an index over what they ask and not by asking each. Pure.

Contracts stand in the order of the public ranking (price, then `ranked_at`), and the place of one
is a bit. For every condition there is a map from a lead's value to the set of contracts that
accept it, those that do not ask included. The lead's contracts are the intersection of these sets,
and the price is a prefix of the order. What no map can say (or, not, trees, a price by the hour)
is asked of the candidates with the plain predicate: the index always answers as `fitting.fits`.

The order is cut into segments, small ones first: who only wants the best contract rarely looks
beyond the first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from heapq import merge
from itertools import chain, count, islice
from math import isqrt
from operator import attrgetter
from typing import Final
from uuid import UUID

from exchange.catalog.criteria import All, Predicate, predicate
from exchange.core.bits import Tally, each, minus
from exchange.market.contract_conditions import Asked, Name, asked_of, conditions
from exchange.market.contract_maps import Map, bits_of
from exchange.market.contract_terms import Terms
from exchange.market.fitting import LeadFacts, fits

FIRST_SEGMENT: Final = 1_024  # contracts
GROWTH: Final = 4  # times as many in each further segment
CHANGES_MIN: Final = 64  # kept beside the main index, however small it is
NAMED_AT_ONCE: Final = 4

RankKey = tuple[int, datetime, UUID]


@dataclass(frozen=True, slots=True)
class Entry:
    """A contract as the index knows it; its terms are resolved for a day."""

    id: UUID
    buyer_id: UUID
    version: int  # of its terms
    price: int  # minor units; its schedule may say another for some hours
    ranked_at: datetime
    terms: Terms

    def price_at(self, now: datetime) -> int:
        """What it pays for a lead at the moment, in minor units."""
        return self.terms.price_at(now, price=self.price)

    @property
    def is_per_action(self) -> bool:
        """Whether it pays for actions and not for leads (CPA)."""
        return self.terms.action is not None

    @property
    def prices(self) -> frozenset[int]:
        """Every price that it pays at some hour."""
        by_hour = {span.price for span in self.terms.schedule if span.price is not None}
        return frozenset(by_hour | {self.price})


def rank(entry: Entry, *, price: int) -> RankKey:
    """Decision 25: the higher price first, then who came first; the id parts what is left.

    Who pays for actions comes after all who pay for leads, which is for the caller to see to: the
    index asks whom a lead fits.
    """
    return (-price, entry.ranked_at, entry.id)


class ContractIndex:
    """All contracts of one vertical and currency: a main index and, beside it, what changed.

    A question that is being answered never sees a change: every change makes a new state.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._state = _State.of(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, contract_id: UUID) -> bool:
        return contract_id in self._entries

    @property
    def entries(self) -> Mapping[UUID, Entry]:
        """All of them as they are now; a later change makes another mapping."""
        return self._entries

    def fitting(self, facts: LeadFacts, now: datetime) -> Iterator[Entry]:
        """Every contract that the lead fits, the highest rank first; found as they are wanted."""
        asked = asked_of(facts, now)
        both = [ranked.fitting(facts, now, asked) for ranked in self._state.orders]
        return (place.entry for place in merge(*both, key=_KEY))

    def all_fitting(self, facts: LeadFacts, now: datetime) -> Fitting:
        """All of them at once, as sets; who pays for actions comes after all who pay for leads."""
        asked = asked_of(facts, now)
        return Fitting([one.all_fitting(facts, now, asked) for one in self._state.orders])

    def update(self, changed: Iterable[Entry] = (), *, removed: Collection[UUID] = ()) -> None:
        """Take over what is new of these contracts, and forget the removed ones."""
        state, fresh = self._state, {entry.id: entry for entry in changed}
        gone = state.gone | fresh.keys() | frozenset(removed)
        entries = dict(self._entries)  # copied as it is: hashing all keys anew would cost more
        for key in removed:
            entries.pop(key, None)
        entries |= fresh
        self._entries = entries
        # Whoever pauses and goes on as before stands where it stood.
        gone = frozenset(key for key in gone if entries.get(key) != state.indexed.get(key))
        # As many changes as make what a rebuild costs equal to what they cost until then.
        if len(gone) > max(CHANGES_MIN, isqrt(2 * len(entries))):
            self._state = _State.of(entries)
        else:
            self._state = state.following(gone, now=entries)


class Fitting:
    """Contracts that a lead fits, by rank: counted as sets, and named as they are wanted."""

    def __init__(self, orders: Sequence[Sequence[Part]]) -> None:
        self._orders = orders  # to be merged
        self._named: list[UUID] = []
        self._rest = _in_order(orders)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[UUID]:
        for start in count(step=NAMED_AT_ONCE):
            some = self[start : start + NAMED_AT_ONCE]
            if not some:
                return
            yield from some

    def __getitem__(self, part: slice) -> Sequence[UUID]:
        missing = part.stop - len(self._named)
        if missing > 0:
            self._named.extend(place.entry.id for place in islice(self._rest, missing))
        return self._named[part]

    def parts(self) -> Iterator[Part]:
        """The sets, by the segments that they are of."""
        return chain.from_iterable(self._orders)

    def split(self, price: int) -> tuple[Fitting, Fitting]:
        """Those that pay as much, in minor units, and those that pay less."""
        cut = [
            [(one, found, found & one.paying(price)) for one, found in some]
            for some in self._orders
        ]
        able = [[(one, paying) for one, _, paying in some if paying] for some in cut]
        less = [
            [(one, all_ ^ paying) for one, all_, paying in some if all_ != paying] for some in cut
        ]
        return Fitting(able), Fitting(less)

    @cached_property
    def _size(self) -> int:
        return sum(found.bit_count() for _, found in self.parts())


def tally(found: Iterable[Iterable[UUID]]) -> Counter[UUID]:
    """How often each contract is among these; of sets none is named for that."""
    named = Counter[UUID]()
    counted: defaultdict[_Segment, Tally] = defaultdict(Tally)
    for some in found:
        if isinstance(some, Fitting):
            for segment, places in some.parts():
                counted[segment].add(places)
        else:
            named.update(some)
    for segment, times in counted.items():
        for place, n in times.counts().items():
            key = segment.places[place].entry.id
            named[key] = named.get(key, 0) + n
    return named


@dataclass(frozen=True, slots=True)
class _Place:
    """A contract at one of its prices."""

    entry: Entry
    price: int
    key: RankKey


_KEY: Final = attrgetter("key")


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """A stretch of the order, with a map for each condition that a contract of it states."""

    places: tuple[_Place, ...]
    cheapness: list[int]  # prices with their sign turned, so that they rise
    maps: tuple[Map, ...]
    rough: int  # who is asked again: maps do not say all
    by_hour: int  # of these, who pays another price at some hours
    left: Mapping[int, Predicate]  # of these, what no map says; missing: a map is a bound
    per_action: int  # who pays for actions

    @classmethod
    def of(cls, places: tuple[_Place, ...]) -> _Segment:
        """The segment of these contracts, which are in order."""
        made: dict[tuple[type[Map], Name], Map] = {}
        left: dict[int, Predicate] = {}
        for number, place in enumerate(places):
            asked, rest = conditions(place.entry.terms)
            if rest or len(place.entry.prices) > 1:
                left[number] = predicate(All(rest))
            for kind, name, wanted in asked:
                made.setdefault((kind, name), kind(name)).want(number, wanted)
        bound = 0
        for one in made.values():
            bound |= one.close((1 << len(places)) - 1)
        return cls(
            places=places,
            cheapness=[-place.price for place in places],
            # What most of them ask comes first: the sooner nobody is left, the better.
            maps=tuple(sorted(made.values(), key=lambda one: one.free.bit_count())),
            rough=bits_of(list(left)) | bound,
            by_hour=bits_of([number for number in left if len(places[number].entry.prices) > 1]),
            left={number: holds for number, holds in left.items() if not bound >> number & 1},
            per_action=bits_of([n for n, one in enumerate(places) if one.entry.is_per_action]),
        )

    def paying(self, price: int) -> int:
        """Who pays as much, in minor units."""
        return (1 << bisect_right(self.cheapness, -price)) - 1

    def fitting(
        self, facts: LeadFacts, now: datetime, asked: Asked, *, gone: int
    ) -> Iterator[_Place]:
        """Those of the segment that the lead fits, in order."""
        accepting = self._accepting(facts, asked, gone=gone)
        rough = self.rough & accepting
        for number in each(accepting):
            if not rough >> number & 1 or self._holds(number, facts, now):
                yield self.places[number]

    def all_fitting(self, facts: LeadFacts, now: datetime, asked: Asked, *, gone: int) -> int:
        """The same as a set: who is asked again is struck off."""
        found = self._accepting(facts, asked, gone=gone)
        for number in each(self.rough & found):
            if not self._holds(number, facts, now):
                found ^= 1 << number
        return found

    def _accepting(self, facts: LeadFacts, asked: Asked, *, gone: int) -> int:
        """Whose maps accept the lead, at its price or more."""
        bits = minus(self.paying(facts.price_min), gone)
        for one in self.maps:
            if not bits:
                break
            bits &= one.accepting(asked.get(one.name))
        return bits

    def _holds(self, number: int, facts: LeadFacts, now: datetime) -> bool:
        """The plain predicate at the price of the moment, as far as maps do not say it."""
        place = self.places[number]
        if self.by_hour >> number & 1 and place.entry.price_at(now) != place.price:
            return False
        if number not in self.left:
            return fits(place.entry.terms, facts, price=place.price, now=now)
        return self.left[number](facts.attributes)


Part = tuple[_Segment, int]


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Contracts in their order, cut into segments."""

    segments: tuple[_Segment, ...]
    gone: Mapping[_Segment, int] = field(default_factory=dict)  # places of who is not there now

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> _Ranked:
        """These contracts, each once for every price that it pays."""
        places = [
            _Place(entry, price, rank(entry, price=price))
            for entry in entries
            for price in entry.prices
        ]
        segments, rest, size = [], iter(sorted(places, key=_KEY)), FIRST_SEGMENT
        while some := tuple(islice(rest, size)):
            segments.append(_Segment.of(some))
            size *= GROWTH
        return cls(tuple(segments))

    def without(self, entries: Iterable[Entry]) -> _Ranked:
        """All that the segments hold but these."""
        gone, firsts = dict[_Segment, int](), [one.places[0].key for one in self.segments]
        for entry in entries:
            for price in entry.prices:
                key = rank(entry, price=price)
                segment = self.segments[bisect_right(firsts, key) - 1]
                number = bisect_left(segment.places, key, key=_KEY)
                gone[segment] = gone.get(segment, 0) | 1 << number
        return _Ranked(self.segments, gone)

    def fitting(self, facts: LeadFacts, now: datetime, asked: Asked) -> Iterator[_Place]:
        """Those that the lead fits, in order."""
        for one in self.segments:
            yield from one.fitting(facts, now, asked, gone=self.gone.get(one, 0))

    def all_fitting(self, facts: LeadFacts, now: datetime, asked: Asked) -> Sequence[Part]:
        """The same as sets."""
        found = (
            (one, one.all_fitting(facts, now, asked, gone=self.gone.get(one, 0)))
            for one in self.segments
        )
        return [part for part in found if part[1]]


@dataclass(frozen=True, slots=True)
class _State:
    indexed: Mapping[UUID, Entry]  # of what the main order was made
    main: _Ranked
    changed: _Ranked = _Ranked(())
    gone: frozenset[UUID] = frozenset()  # of the main order: changed since or removed

    @property
    def orders(self) -> tuple[_Ranked, _Ranked]:
        """The main order and what is beside it."""
        return (self.main, self.changed)

    def following(self, gone: frozenset[UUID], *, now: Mapping[UUID, Entry]) -> _State:
        """The same where all these changed or were removed; `now`: what there is by now."""
        old = self.main.without(self.indexed[key] for key in gone if key in self.indexed)
        beside = _Ranked.of(now[key] for key in gone if key in now)
        return _State(self.indexed, old, beside, gone)

    @classmethod
    def of(cls, entries: Mapping[UUID, Entry]) -> _State:
        """All of these in one order."""
        return cls(entries, _Ranked.of(entries.values()))


def _in_order(orders: Sequence[Sequence[Part]]) -> Iterator[_Place]:
    """By rank, and who pays for actions last."""
    for last in (False, True):
        places = [_places(parts, last=last) for parts in orders if parts]
        yield from places[0] if len(places) == 1 else merge(*places, key=_KEY)


def _places(parts: Sequence[Part], *, last: bool) -> Iterator[_Place]:
    for segment, found in parts:
        per_action = found & segment.per_action
        for number in each(per_action if last else found ^ per_action):
            yield segment.places[number]
