"""Rows of a draft looked at and no more: what each would be, without making anything of it.

The dry run's counterpart of `preparing`; it too knows no database and can run in other processes.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exchange.catalog.policies import ANY_FIELD
from exchange.core.crypto import INDEX_BYTES
from exchange.leads.cells import Finding
from exchange.leads.checked import CheckedBlock, Found, Outcome
from exchange.leads.checking import Checker
from exchange.leads.fingerprints import IdentityKey, duplicate_keys
from exchange.leads.preparing import Recipe
from exchange.leads.reading import Row

# Keyed hashes of one kind, run together; a row without one has the hash of nobody.
Hashes = bytes
NOBODY = bytes(INDEX_BYTES)


class Oddity(NamedTuple):
    """What there is to say of a row."""

    outcome: Outcome
    findings: tuple[Finding, ...]  # why it is not valid
    notes: tuple[str, ...]  # codes of what was changed reversibly
    mended: list[str]  # its cells as they were checked: personal data


class Examined(NamedTuple):
    """A block of rows as they were checked; most of them are sound and no more than their hashes.

    Places count from 0 in the block.
    """

    numbers: list[int]
    lines: list[int]
    odd: dict[int, Oddity]  # by place
    people: tuple[Hashes, ...]  # every identity, a kind each
    hashes: tuple[Hashes, ...]  # by which a repeat is found in the vertical
    packed: bytes  # the cells as the seller wants them, which few rows are asked for

    @property
    def size(self) -> int:
        """How many rows they are."""
        return len(self.numbers)

    @property
    def cells(self) -> list[list[str]]:
        """The cells of each row: personal data."""
        # Safe: `Examiner` of this program packed them, in our own child.
        cells: list[list[str]] = marshal.loads(self.packed)  # noqa: S302  # nosec B302
        return cells

    def is_invalid(self, place: int) -> bool:
        """Whether the row is refused."""
        return place in self.odd and self.odd[place].outcome is Outcome.INVALID


class Examiner:
    """Looks at the rows of one draft."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._checker = Checker(recipe.rules, columns=recipe.columns)

    def work(self, rows: Iterable[Row]) -> Examined:
        """Check rows as they were read."""
        mending = self._recipe.mending
        wanted = [*map(mending.edited, rows)]
        mended = [*map(mending.mended, wanted)]
        checked = self._checker.check_all(mended)
        people = self._people(checked)
        return Examined(
            list(checked.numbers),
            list(checked.lines),
            {
                place: _oddity(found, mended[place].cells)
                for place, found in checked.found.items()
                if found.is_told
            },
            people,
            self._hashes(checked, people),
            marshal.dumps([row.cells for row in wanted]),
        )

    def _people(self, checked: CheckedBlock) -> tuple[Hashes, ...]:
        who = checked.people
        return (self._joined("phone", who.phones), self._joined("email", who.email_keys))

    def _hashes(self, checked: CheckedBlock, people: tuple[Hashes, ...]) -> tuple[Hashes, ...]:
        policy = self._recipe.rules.terms.duplicates
        if policy == ANY_FIELD:
            return people
        keys = [duplicate_keys(checked.people.identities(i), policy) for i in range(checked.size)]
        width = max(map(len, keys), default=0)
        return tuple(self._joined_keys(keys, column) for column in range(width))

    def _joined(self, kind: str, values: Iterable[str | None]) -> Hashes:
        return b"".join(value or NOBODY for value in self._recipe.ring.blind_indexes(kind, values))

    def _joined_keys(self, keys: Sequence[Sequence[IdentityKey]], column: int) -> Hashes:
        index = self._recipe.ring.blind_index
        found = (mine[column] if column < len(mine) else None for mine in keys)
        return b"".join(index(key.kind, key.value) if key else NOBODY for key in found)


def _oddity(found: Found, mended: list[str]) -> Oddity:
    notes = tuple(note.code for note in found.notes)
    return Oddity(found.outcome, tuple(found.errors or found.reviews), notes, mended)
