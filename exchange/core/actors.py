"""Who is acting: a person, an API key or the system, and for which organization."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """The one argument that every verb ends with; it is written into every event."""

    kind: str  # user, key or system
    id: UUID | None = None
    organization_id: UUID | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)

    def may(self, permission: str) -> bool:
        """Whether the actor holds the permission; the system holds all."""
        return self.kind == "system" or permission in self.permissions


SYSTEM: Final = Actor(kind="system")
