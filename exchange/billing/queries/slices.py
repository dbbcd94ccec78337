"""A part of a long list that is not made of records: its items and the cursor that leads on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Slice(Generic[Item]):
    """Some items, newest first; templates and the API's envelope read it like a page."""

    items: Sequence[Item]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether more follow."""
        return self.next_cursor is not None
