"""Rows of a draft looked at and no more: what each would be, without making anything of it.

The dry run's counterpart of `preparing`; it too knows no database and can run in other processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from exchange.leads.cells import Finding
from exchange.leads.checking import Checker, Outcome
from exchange.leads.fingerprints import duplicate_keys
from exchange.leads.preparing import Recipe
from exchange.leads.reading import Row


class Examined(NamedTuple):
    """A row as it was checked. The cells are personal data."""

    number: int
    line: int
    outcome: Outcome
    findings: tuple[Finding, ...]  # why it is not valid
    notes: tuple[str, ...]  # codes of what was changed reversibly
    people: tuple[bytes, ...]  # every identity as a keyed hash
    hashes: tuple[bytes, ...]  # by which a repeat is found in the vertical
    cells: list[str]  # as the seller wants them
    mended: list[str]  # as they were checked


class Examiner:
    """Looks at the rows of one draft."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._checker = Checker(recipe.rules, columns=recipe.columns)

    def work(self, rows: Iterable[Row]) -> list[Examined]:
        """Check rows as they were read."""
        return [self._examined(row) for row in map(self._recipe.mending.edited, rows)]

    def _examined(self, row: Row) -> Examined:
        mended = row.cells if row.problem else self._recipe.mending.cells(row.cells)
        checked = self._checker.check(row._replace(cells=mended))
        keys = duplicate_keys(checked.identities, self._recipe.rules.terms.duplicates)
        index = self._recipe.ring.blind_index
        return Examined(
            row.number,
            row.line,
            checked.outcome,
            tuple(checked.errors or checked.reviews),
            tuple(note.code for note in checked.notes),
            tuple(index(key.kind, key.value) for key in checked.identities),
            tuple(index(key.kind, key.value) for key in keys),
            row.cells,
            mended,
        )
