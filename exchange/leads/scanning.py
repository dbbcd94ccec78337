"""A first look through the XML of a workbook: how large its sheets are, what is hidden in them.

The parser that gives the values makes a grid of a sheet, so its corners must be known before; and
it does not say which rows are hidden or which formulas have no value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from exchange.leads.findings import FileReject

HIDDEN: Final = 1
NO_VALUE: Final = 2  # a formula whose result the program that wrote the file did not keep
ERROR: Final = 4  # such as #N/A

NAMES_MAX: Final = 100  # of elements, remembered of one sheet
ROWS_MAX: Final = 1_048_576  # of the format
_LETTERS_MAX: Final = 3
_TRUE: Final = frozenset({"1", "true"})

Attributes = Mapping[str, str]
Handler = Callable[[str, Attributes], None]


@dataclass(slots=True)
class Grid:
    """What a sheet holds: its filled corner from A1, and marks of its rows."""

    height: int = 0
    width: int = 0
    merged: int = 0
    marks: bytearray = field(default_factory=bytearray)
    hidden_spans: list[tuple[int, int]] = field(default_factory=list)  # columns from 1, inclusive

    @property
    def hidden_rows(self) -> int:
        """Hidden rows that hold something."""
        return sum(mark & HIDDEN for mark in self.marks[: self.height])

    @property
    def hidden_columns(self) -> frozenset[int]:
        """Hidden columns inside the filled corner, from 0."""
        return frozenset(
            column - 1
            for first, last in self.hidden_spans
            for column in range(first, min(last, self.width) + 1)
        )

    def mark(self, row: int) -> int:
        """The marks of a row, from 0."""
        return self.marks[row] if row < len(self.marks) else 0


def parse(pieces: Iterable[bytes], handler: Handler | None = None) -> None:
    """Walk through the elements of XML, by their names without a prefix.

    Raises FileReject: `xml_entities` for a document type, which no workbook has, and `damaged`.
    """
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    if handler:
        parser.StartElementHandler = handler
    try:
        for piece in pieces:
            parser.Parse(piece, False)  # the parser takes no keywords
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError):  # or an encoding that nobody knows
        raise FileReject("damaged") from None


def _take_nothing(_attributes: Attributes) -> None:
    """Other elements say nothing about the corner of the sheet."""


def _refuse_doctype(*_declaration: object) -> None:
    raise FileReject("xml_entities")


class SheetScan:
    """Gathers the grid of one sheet. Raises FileReject as soon as a limit is passed."""

    def __init__(self, *, cells_max: int, columns_max: int) -> None:
        self.grid = Grid()
        self._cells_max = cells_max
        self._columns_max = columns_max
        self._columns: dict[str, int] = {}  # by letters
        self._cells = 0
        self._row = self._column = 0  # of the cell at hand, from 1
        self._row_text = "0"
        self._has_formula = self._has_value = self._is_error = False
        self._takers: dict[str, Callable[[Attributes], None]] = {}  # by the names of elements

    def element(self, name: str, attributes: Attributes) -> None:
        """Take an element in; elements come in the order of the document."""
        take = self._takers.get(name) or self._taker(name)
        take(attributes)

    def _taker(self, name: str) -> Callable[[Attributes], None]:
        """What an element of this name means, with any prefix; remembered for the next."""
        take = {
            "c": self._begin_cell,
            "v": self._take_value,
            "is": self._take_value,
            "f": self._take_formula,
            "row": self._begin_row,
            "col": self._take_column,
            "mergeCell": self._take_merged,
        }.get(name.rpartition(":")[2], _take_nothing)
        if len(self._takers) < NAMES_MAX:
            self._takers[name] = take
        return take

    def _take_value(self, _attributes: Attributes) -> None:
        self._has_value = True

    def _take_formula(self, _attributes: Attributes) -> None:
        self._has_formula = True

    def _take_column(self, attributes: Attributes) -> None:
        if attributes.get("hidden") in _TRUE:
            span = _number(attributes.get("min", "")), _number(attributes.get("max", ""))
            self.grid.hidden_spans.append(span)

    def _take_merged(self, _attributes: Attributes) -> None:
        self.grid.merged += 1

    def finish(self) -> Grid:
        """The grid, once the document has ended."""
        self._end_cell()
        if self.grid.width > self._columns_max:
            raise FileReject("too_many_columns", found=self.grid.width, limit=self._columns_max)
        cells = self.grid.width * self.grid.height
        if cells > self._cells_max:
            raise FileReject("too_many_cells", found=cells, limit=self._cells_max)
        return self.grid

    def _begin_row(self, attributes: Attributes) -> None:
        self._end_cell()
        self._row = _number(attributes["r"]) if "r" in attributes else self._row + 1
        self._row_text = str(self._row)
        self._column = 0
        if self._row > ROWS_MAX:
            raise FileReject("damaged")
        if attributes.get("hidden") in _TRUE:
            self._mark(HIDDEN)

    def _begin_cell(self, attributes: Attributes) -> None:
        if self._has_value or self._has_formula:
            self._end_cell()
        self._is_error = attributes.get("t") == "e"
        place = attributes.get("r")
        if place is None:
            self._column += 1
            return
        letters = place.rstrip("0123456789")
        column = self._columns.get(letters) or self._learn(letters)
        if place[len(letters) :] != self._row_text:
            raise FileReject("damaged")  # a cell in another row than its own
        self._column = column

    def _end_cell(self) -> None:
        if not (self._has_value or self._has_formula):
            return
        grid = self.grid
        if self._row != grid.height:  # most cells are in the row of the one before
            grid.height = max(grid.height, self._row)
        grid.width = max(grid.width, self._column)
        if self._is_error:
            self._mark(ERROR)
        elif not self._has_value:
            self._mark(NO_VALUE)
        self._has_formula = self._has_value = self._is_error = False
        self._cells += 1
        if self._cells > self._cells_max:
            raise FileReject("too_many_cells", found=self._cells, limit=self._cells_max)

    def _mark(self, mark: int) -> None:
        marks = self.grid.marks
        if len(marks) < self._row:
            marks.extend(bytes(self._row - len(marks)))
        marks[self._row - 1] |= mark

    def _learn(self, letters: str) -> int:
        if not (letters.isascii() and letters.isalpha() and len(letters) <= _LETTERS_MAX):
            raise FileReject("damaged")
        number = 0
        for letter in letters.upper():
            number = number * 26 + ord(letter) - ord("A") + 1
        self._columns[letters] = number
        return number


def _number(text: str) -> int:
    """A place from 1. Raises FileReject(damaged)."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(ROWS_MAX))):
        raise FileReject("damaged")
    return max(int(text), 1)
