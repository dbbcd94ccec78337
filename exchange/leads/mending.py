"""What a seller changed about a file before confirming it: applied to each row as it is read."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.leads.reading import Row


@dataclass(frozen=True, slots=True)
class Mending:
    """The changes; nothing so far."""

    def edited(self, row: Row) -> Row:
        """The row with the seller's edits."""
        return row

    def cells(self, cells: list[str]) -> list[str]:
        """The cells as the checker reads them."""
        return cells
