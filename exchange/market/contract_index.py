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

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from math import isqrt
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from exchange.catalog.criteria import All, Between, Criteria, In, Is
from exchange.core.bits import each
from exchange.market.contract_maps import Banned, Map, Ranges, Values
from exchange.market.contract_terms import Terms
from exchange.market.fitting import LeadFacts, fits, kinds_met

FIRST_SEGMENT: Final = 1_024  # contracts; each further segment holds twice as many
CHANGES_MIN: Final = 64  # kept beside the main index, however small it is

Name = tuple[object, str]  # where a lead's value stands: of the lead, of an attribute by its type
Condition = tuple[type[Map], Name, Any]  # Any: what the map wants
Asked = Mapping[Name, Any]  # Any: what the lead says
RankKey = tuple[int, datetime, UUID]
LEAD: Final = "lead"


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
        state, asked = self._state, _asked(facts, now)
        found = state.main.fitting(facts, now, asked)
        if state.gone:
            kept = (place for place in found if place.entry.id not in state.gone)
            found = merge(kept, state.changed.fitting(facts, now, asked), key=_KEY)
        return (place.entry for place in found)

    def all_fitting(self, facts: LeadFacts, now: datetime) -> list[Entry]:
        """The same, all of them."""
        if self._state.gone:
            return list(self.fitting(facts, now))
        asked, found = _asked(facts, now), list[Entry]()
        for segment in self._state.main.segments:
            found += segment.all_fitting(facts, now, asked)
        return found

    def update(self, changed: Iterable[Entry] = (), *, removed: Collection[UUID] = ()) -> None:
        """Take over what is new of these contracts, and forget the removed ones."""
        state, fresh = self._state, {entry.id: entry for entry in changed}
        gone = state.gone | fresh.keys() | frozenset(removed)
        entries = {key: entry for key, entry in self._entries.items() if key not in removed} | fresh
        self._entries = entries
        # Whoever pauses and goes on as before stands where it stood.
        gone = frozenset(key for key in gone if entries.get(key) != state.indexed.get(key))
        # As many changes as make what a rebuild costs equal to what they cost until then.
        if len(gone) > max(CHANGES_MIN, isqrt(2 * len(entries))):
            self._state = _State.of(entries)
        else:
            beside = _Ranked.of(entries[key] for key in gone if key in entries)
            self._state = _State(state.indexed, state.main, beside, gone)


@dataclass(frozen=True, slots=True)
class _Place:
    """A contract at one of its prices."""

    entry: Entry
    price: int
    key: RankKey

    def holds(self, facts: LeadFacts, now: datetime) -> bool:
        """The plain predicate, at the price of the moment."""
        is_due = self.entry.price_at(now) == self.price
        return is_due and fits(self.entry.terms, facts, price=self.price, now=now)


_KEY: Final = attrgetter("key")


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the order, with a map for each condition that a contract of it states."""

    places: tuple[_Place, ...]
    cheapness: list[int]  # prices with their sign turned, so that they rise
    maps: tuple[Map, ...]
    rough: int  # whoever asks something that no map says

    @classmethod
    def of(cls, places: tuple[_Place, ...]) -> _Segment:
        """The segment of these contracts, which are in order."""
        made: dict[tuple[type[Map], Name], Map] = {}
        rough = 0
        for number, place in enumerate(places):
            conditions, is_whole = _conditions(place.entry.terms)
            rough |= (not is_whole or len(place.entry.prices) > 1) << number
            for kind, name, wanted in conditions:
                made.setdefault((kind, name), kind(name)).want(number, wanted)
        for one in made.values():
            rough |= one.close((1 << len(places)) - 1)
        # What most of them ask comes first: the sooner nobody is left, the better.
        maps = sorted(made.values(), key=lambda one: one.free.bit_count())
        return cls(places, [-place.price for place in places], tuple(maps), rough)

    def fitting(self, facts: LeadFacts, now: datetime, asked: Asked) -> Iterator[_Place]:
        """Those of the segment that the lead fits, in order."""
        bits = self._accepting(facts, asked)
        rough = self.rough & bits
        for number in each(bits):
            place = self.places[number]
            if not rough >> number & 1 or place.holds(facts, now):
                yield place

    def all_fitting(self, facts: LeadFacts, now: datetime, asked: Asked) -> list[Entry]:
        """The same, all at once: who is asked again is struck off first."""
        bits = self._accepting(facts, asked)
        for number in each(self.rough & bits):
            if not self.places[number].holds(facts, now):
                bits ^= 1 << number
        return [self.places[number].entry for number in each(bits)]

    def _accepting(self, facts: LeadFacts, asked: Asked) -> int:
        """Whose maps accept the lead, at its price or more."""
        bits = (1 << bisect_right(self.cheapness, -facts.price_min)) - 1
        for one in self.maps:
            if not bits:
                break
            bits &= one.accepting(asked.get(one.name))
        return bits


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Contracts in their order, cut into segments."""

    segments: tuple[_Segment, ...]

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
            size *= 2
        return cls(tuple(segments))

    def fitting(self, facts: LeadFacts, now: datetime, asked: Asked) -> Iterator[_Place]:
        """Those that the lead fits, in order."""
        for segment in self.segments:
            yield from segment.fitting(facts, now, asked)


@dataclass(frozen=True, slots=True)
class _State:
    indexed: Mapping[UUID, Entry]  # of what the main index was made
    main: _Ranked
    changed: _Ranked = _Ranked(())
    gone: frozenset[UUID] = frozenset()  # of the main index: changed since or removed

    @classmethod
    def of(cls, entries: Mapping[UUID, Entry]) -> _State:
        """All of these in one order."""
        return cls(entries, _Ranked.of(entries.values()))


def _asked(facts: LeadFacts, now: datetime) -> Asked:
    """What a lead says, by the names under which maps are asked."""
    said: dict[Name, Any] = {  # Any: see Asked
        (LEAD, "kind"): facts.kind,
        (LEAD, "region"): facts.region,
        (LEAD, "postal_code"): facts.postal_code,
        (LEAD, "quality_class"): facts.quality_class,
        (LEAD, "age"): now - facts.requested_at,
        (LEAD, "bad_upper"): facts.bad_upper * 10_000,
        (LEAD, "is_checked"): facts.is_checked,
        (LEAD, "seller"): facts.seller,
        (LEAD, "source"): facts.source,
    }
    for name, value in facts.attributes.items():
        kind = _kind(value)
        if kind is not None:
            said[kind, name], said[None, name] = value, (kind, value)
    return said


def _kind(value: object) -> type | None:
    """The type by which a condition and a value meet: in Python alone True equals 1."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None


def _conditions(terms: Terms) -> tuple[list[Condition], bool]:
    """What a contract asks, as far as maps can say it, and whether that is all."""
    found = [*_of_lead(terms)]
    whole = True
    for part in _conjunction(terms.criteria):
        condition = _of_attribute(part)
        # Of two conditions of one kind about one field the second is asked of the candidates.
        if condition is None or condition[:2] in {one[:2] for one in found}:
            whole = False
        else:
            found.append(condition)
    return found, whole


def _of_lead(terms: Terms) -> Iterator[Condition]:
    yield Values, (LEAD, "kind"), kinds_met(terms)
    if terms.regions:
        yield Values, (LEAD, "region"), terms.regions
    if terms.postal_codes:
        yield Values, (LEAD, "postal_code"), terms.postal_codes
    if terms.quality_classes:
        yield Values, (LEAD, "quality_class"), terms.quality_classes
    if terms.age_hours_max is not None:
        yield Ranges, (LEAD, "age"), (None, timedelta(hours=terms.age_hours_max))
    if terms.bad_upper_max_bps is not None:
        yield Ranges, (LEAD, "bad_upper"), (None, terms.bad_upper_max_bps)
    if terms.checked_only:
        yield Values, (LEAD, "is_checked"), (True,)
    yield from _of_parties(terms)


def _of_parties(terms: Terms) -> Iterator[Condition]:
    if terms.sellers_only:
        yield Values, (LEAD, "seller"), terms.sellers_only
    if terms.sellers_never:
        yield Banned, (LEAD, "seller"), terms.sellers_never
    if terms.sources_never:
        yield Banned, (LEAD, "source"), terms.sources_never


def _conjunction(criteria: Criteria) -> Iterator[Criteria]:
    """The parts that must all hold."""
    if isinstance(criteria, All):
        for part in criteria.parts:
            yield from _conjunction(part)
    else:
        yield criteria


def _of_attribute(part: Criteria) -> Condition | None:
    match part:
        case Is(name, value):
            return Values, (None, name), ((_kind(value), value),)
        case In(name, values):
            return Values, (None, name), [(_kind(value), value) for value in values]
        case Between(name, low, high):
            kinds = {_kind(end) for end in (low, high) if end is not None}
            kind = kinds.pop() if len(kinds) == 1 else None
            return (Ranges, (kind, name), (low, high)) if kind in {float, str} else None
    return None
