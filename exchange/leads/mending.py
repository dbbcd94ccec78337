"""What a seller has mended in a file that stays as it came: rows, words, gaps and joined columns.

Pure and small: a mending goes along to whoever reads the rows, in whatever process that is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.leads.reading import Row

DROPPED: Final = "dropped_by_seller"
JOINT: Final = " "  # between the cells of joined columns


def word_key(text: str) -> str:
    """The form in which the words of a column are compared: no case, no needless spaces."""
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class Mending:
    """Edits by row number; words, defaults and virtual columns by the index of a column.

    A virtual column stands behind those of the file: several of them joined, or none of them, so
    that its default fills every row.
    """

    width: int = 0  # columns of the file
    edits: Mapping[int, Sequence[str]] = dataclasses.field(default_factory=dict, repr=False)
    dropped: frozenset[int] = frozenset()
    virtual: tuple[tuple[int, ...], ...] = ()
    words: Mapping[int, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    defaults: Mapping[int, str] = dataclasses.field(default_factory=dict)

    def edited(self, row: Row) -> Row:
        """The row as the seller wants it; a dropped row carries that as its problem."""
        if row.number in self.dropped:
            return row._replace(problem=DROPPED)
        cells = self.edits.get(row.number)
        return row if cells is None else Row(row.number, row.line, list(cells))

    def cells(self, cells: list[str]) -> list[str]:
        """The cells with words replaced, gaps filled and the virtual columns behind them.

        Cells of a row that has more or fewer than the file has columns stay as they are.
        """
        if len(cells) != self.width or not (self.virtual or self.words or self.defaults):
            return cells
        mended = [*cells, *(self._joined(cells, columns) for columns in self.virtual)]
        for column, known in self.words.items():
            mended[column] = known.get(word_key(mended[column]), mended[column])
        for column, default in self.defaults.items():
            if not mended[column].strip():
                mended[column] = default
        return mended

    def mended(self, row: Row) -> Row:
        """An edited row as it is to be checked."""
        cells = row.cells if row.problem else self.cells(row.cells)
        return row if cells is row.cells else row._replace(cells=cells)

    @staticmethod
    def _joined(cells: Sequence[str], columns: tuple[int, ...]) -> str:
        return JOINT.join(filter(None, (cells[column].strip() for column in columns)))
