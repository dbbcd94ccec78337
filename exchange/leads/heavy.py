"""Which values come often in a long stream, in bounded memory.

Misra and Gries, "Finding repeated elements" (1982): with room for k counters, each value that makes
up more than 1/(k+1) of the stream is among them, and a count is never too high.
"""

from __future__ import annotations


class HeavyHitters:
    """Counts values; forgets the rare ones where there are more than it has room for."""

    def __init__(self, room: int) -> None:
        self.seen = 0
        self._room = room
        self._counts: dict[int, int] = {}

    @property
    def most(self) -> int:
        """How often the commonest value came, at least."""
        return max(self._counts.values(), default=0)

    def add(self, value: int) -> int:
        """Count a value; returns how often it came so far, at least."""
        self.seen += 1
        counts = self._counts
        if value in counts:
            counts[value] += 1
        elif len(counts) < self._room:
            counts[value] = 1
        else:
            self._counts = {key: n - 1 for key, n in counts.items() if n > 1}
            return 0
        return counts[value]
