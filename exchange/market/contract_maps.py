"""What contracts accept, by the value that a lead has: the maps an index of contracts is made of.

A set of contracts is an int whose bits are their places. Pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from exchange.core import bits

FEW: Final = 16  # places of a value that are kept one by one
ENDS_MAX: Final = 128  # of ranges, for one condition; between them the answer is a bound

Value = Any  # Any: whatever a lead says; equal and ordered as Python has it


def bits_of(places: Sequence[int]) -> int:
    """The set of these places; for few of them without a table of all."""
    if len(places) <= FEW:
        return sum(1 << place for place in places)
    return bits.of(places, size=max(places) + 1)


class Map(ABC):
    """Who accepts which value of one condition."""

    def __init__(self, name: tuple[object, str]) -> None:
        self.name = name
        self.free = 0  # who does not ask
        self.asking: list[int] = []

    @abstractmethod
    def want(self, place: int, wanted: Any) -> None:  # Any: by the kind of map
        """A contract states the condition; each does so once."""

    def close(self, everybody: int) -> int:
        """All have said what they want; returns those for whom the answer is only a bound."""
        self.free = everybody & ~bits_of(self.asking)
        return 0

    @abstractmethod
    def accepting(self, value: Value) -> int:
        """Who accepts the value; None is a lead that does not say."""


class Values(Map):
    """Contracts that name the values they accept."""

    def __init__(self, name: tuple[object, str]) -> None:
        super().__init__(name)
        self.places: defaultdict[Value, list[int]] = defaultdict(list)
        self.common: dict[Value, int] = {}

    def want(self, place: int, wanted: Collection[Value]) -> None:
        self.asking.append(place)
        for value in frozenset(wanted):
            self.places[value].append(place)

    def close(self, everybody: int) -> int:
        bound = super().close(everybody)
        common = [value for value, places in self.places.items() if len(places) > FEW]
        self.common = {value: bits_of(self.places.pop(value)) | self.free for value in common}
        return bound

    def accepting(self, value: Value) -> int:
        found = self.common.get(value)
        return self.free | bits_of(self.places.get(value, ())) if found is None else found


class Banned(Map):
    """Contracts that name the values they never accept."""

    def __init__(self, name: tuple[object, str]) -> None:
        super().__init__(name)
        self.banned = Values(name)
        self.everybody = 0

    def want(self, place: int, wanted: Collection[Value]) -> None:
        self.asking.append(place)
        self.banned.want(place, wanted)

    def close(self, everybody: int) -> int:
        self.everybody = everybody
        return super().close(everybody) | self.banned.close(0)

    def accepting(self, value: Value) -> int:
        return self.everybody & ~self.banned.accepting(value)


class Ranges(Map):
    """Contracts that name a range with both ends in it; an end that is None is open."""

    def __init__(self, name: tuple[object, str]) -> None:
        super().__init__(name)
        self.wanted: list[tuple[int, Value, Value]] = []
        self.lows: list[Value] = []
        self.highs: list[Value] = []
        self.from_low: list[int] = []  # by how many of the lows are not above the value
        self.to_high: list[int] = []  # by how many of the highs are below it

    def want(self, place: int, wanted: tuple[Value, Value]) -> None:
        self.asking.append(place)
        self.wanted.append((place, *wanted))

    def close(self, everybody: int) -> int:
        bound = super().close(everybody)
        self.lows = _kept({low for _, low, _ in self.wanted if low is not None})
        self.highs = _kept({high for _, _, high in self.wanted if high is not None})
        above: defaultdict[int, list[int]] = defaultdict(list)
        below: defaultdict[int, list[int]] = defaultdict(list)
        for place, low, high in self.wanted:
            first = 0 if low is None else bisect_right(self.lows, low)
            last = len(self.highs) if high is None else bisect_left(self.highs, high)
            above[first].append(place)
            below[last].append(place)
            is_exact = _is(low, self.lows[max(first - 1, 0) :]) and _is(high, self.highs[last:])
            bound |= (not is_exact) << place
        self.from_low = list(_unions(above, range(len(self.lows) + 1)))
        self.to_high = list(_unions(below, range(len(self.highs), -1, -1)))[::-1]
        self.wanted = []
        return bound

    def accepting(self, value: Value) -> int:
        if value is None:
            return self.free
        above = self.from_low[bisect_right(self.lows, value)]
        return self.free | above & self.to_high[bisect_left(self.highs, value)]


def _kept(ends: Iterable[Value]) -> list[Value]:
    """The ends in order, or as many of them as are kept, evenly chosen."""
    found = sorted(ends)
    step = -(-len(found) // ENDS_MAX) or 1
    return found[::step]


def _is(end: Value, kept: Sequence[Value]) -> bool:
    """Whether an end is the first of those kept, so that the answer about it is exact."""
    return end is None or bool(kept and kept[0] == end)


def _unions(places: Mapping[int, Sequence[int]], order: range) -> Iterator[int]:
    """The sets at these numbers, each with all before it."""
    everything = 0
    for number in order:
        everything |= bits_of(places.get(number, ()))
        yield everything
