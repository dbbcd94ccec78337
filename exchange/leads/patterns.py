"""What only many rows show: numbers that were counted up instead of collected."""

from __future__ import annotations

from typing import Final

RUN_MIN: Final = 5  # rows in which each number is the one before plus or minus one


class SequentialRuns:
    """Watches the phones of a file in the order of its rows; remembers one of them."""

    def __init__(self) -> None:
        self.rows = 0  # rows that belong to runs
        self._last = 0
        self._step = 0
        self._length = 1

    @property
    def is_suspicious(self) -> bool:
        """Whether the batch is to be flagged `sequential_run`."""
        return self.rows > 0

    def see(self, e164: str) -> None:
        """Take the phone of the next row."""
        number = int(e164.removeprefix("+"))
        step = number - self._last
        if step in {1, -1} and (step == self._step or self._length == 1):
            self._length += 1
            if self._length >= RUN_MIN:
                self.rows += RUN_MIN if self._length == RUN_MIN else 1
        else:
            self._length = 2 if step in {1, -1} else 1
        self._step = step if step in {1, -1} else 0
        self._last = number
