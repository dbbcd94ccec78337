"""From decoded text to records: lines, quotes and line ends, bounded in memory and in work.

Nothing is swallowed: a quotation mark that is never closed costs its own row and no other.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from exchange.leads.findings import FileReject

if TYPE_CHECKING:
    from _csv import Dialect

# How far behind an opened quotation mark its end is looked for, in characters.
LOOKAHEAD: Final = 1_200_000
# What may be read in vain for ends of quotes in one file, in characters; a line costs as much as
# so many of them. Fifty lost quotes in a file without other quotes pass, a file that is made to be
# slow is refused within seconds.
WASTE_MAX: Final = 100_000_000
LINE_COST: Final = 50
# Fewer columns than this, and an address of two lines may look like two rows.
WIDTH_THAT_TELLS: Final = 3

# The module refuses longer cells with an exception that would end the run; our own limits are
# applied to what it returns. The setting belongs to the process and is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), 4 * LOOKAHEAD))


class Record(NamedTuple):
    """One record: the physical line where it begins (from 1), its cells, its size in characters.

    With a `problem` the cells are what can be shown of it; a record whose quotation mark stays
    open is its first line alone.
    """

    line: int
    cells: list[str]
    size: int
    problem: str | None = None


class Records:
    """The records of a text. `width` is the number of columns, where it is known."""

    def __init__(self, text: TextIO, *, delimiter: str, quote: str, width: int = 0) -> None:
        self._text = text
        self._delimiter = delimiter
        self._quote = quote
        self._width = width
        self._strict = _dialect(delimiter, quote, strict=True)
        self._lenient = _dialect(delimiter, quote, strict=False)
        self._put_back: deque[str] = deque()
        self._line = 0  # the physical line that was read last
        self._wasted = 0
        self._first_unclosed = 0

    def __iter__(self) -> Iterator[Record]:
        quote, delimiter = self._quote, self._delimiter
        for text in iter(self._next, None):
            if quote not in text:  # most lines: the csv module would split them the same way
                yield Record(self._line, text.split(delimiter), len(text))
            else:
                yield self._quoted(text)

    def _quoted(self, text: str) -> Record:
        try:
            return Record(self._line, _split((text,), self._strict), len(text))
        except csv.Error:  # the record goes on in the next line, or its quotes are unusual
            return self._unusual(text)

    def _unusual(self, text: str) -> Record:
        """What the csv module makes of the line and those that its open quote takes in."""
        first = self._line
        lines = _Taken(text, self._next)
        cells = _split(lines, self._lenient)
        if not lines.is_exhausted and (len(lines.taken) == 1 or self._is_plausible(lines.taken)):
            return Record(first, cells, sum(map(len, lines.taken)))
        self._first_unclosed = self._first_unclosed or first
        self._give_back(lines.taken[1:])
        return Record(first, _split((text,), self._lenient), len(text), "unclosed_quote")

    def _is_plausible(self, lines: list[str]) -> bool:
        """Whether several lines are one record, and not rows that a lost quote ran together.

        They are not when the quote "closes" in the middle of a cell, and not when three of four
        lines have all columns by themselves.
        """
        try:
            _split((f"{line}\n" for line in lines), self._strict)
        except csv.Error:
            return False
        if self._width < WIDTH_THAT_TELLS:
            return True
        rows = sum(line.count(self._delimiter) + 1 == self._width for line in lines)
        return rows < len(lines) - len(lines) // 4

    def _give_back(self, lines: list[str]) -> None:
        self._put_back.extendleft(reversed(lines))
        self._line -= len(lines)
        self._wasted += sum(map(len, lines)) + LINE_COST * len(lines)
        if self._wasted > WASTE_MAX:
            raise FileReject("unclosed_quote", line=self._first_unclosed)

    def _next(self) -> str | None:
        """The next physical line without its end; None behind the last."""
        if self._put_back:
            self._line += 1
            return self._put_back.popleft()
        text = self._text.readline(LOOKAHEAD)
        if not text:
            return None
        self._line += 1
        if text[-1] == "\n":
            return text[:-1]
        if len(text) == LOOKAHEAD:
            self._skip_line()
        return text

    def _skip_line(self) -> None:
        """Leave out the rest of a line that no limit allows; its row is refused as too long."""
        while (text := self._text.readline(LOOKAHEAD)) and text[-1] != "\n":
            continue


class _Taken:
    """Lines for the csv module, remembering which it took and whether it asked beyond the end."""

    def __init__(self, first: str, more: _More) -> None:
        self.taken = [first]
        self.is_exhausted = False
        self._size = len(first)
        self._more = more
        self._is_begun = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._is_begun:
            self._is_begun = True
            return self.taken[0] + "\n"
        line = self._more() if self._size < LOOKAHEAD else None
        if line is None:
            self.is_exhausted = True
            raise StopIteration
        self._size += len(line) + 1
        self.taken.append(line)
        return line + "\n"


if TYPE_CHECKING:
    from collections.abc import Callable

    _More = Callable[[], str | None]


def _dialect(delimiter: str, quote: str, *, strict: bool) -> Dialect:
    return csv.reader((), delimiter=delimiter, quotechar=quote, strict=strict).dialect


def _split(lines: Iterable[str], dialect: Dialect) -> list[str]:
    return next(csv.reader(lines, dialect), [])
