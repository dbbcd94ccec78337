"""Verbs of contacts: opened for a check, never without a record of it."""

from __future__ import annotations

from uuid import UUID

from exchange.core.actors import Actor
from exchange.leads import vault


def open_for_check(*, lead_id: UUID, actor: Actor) -> dict[str, str]:
    """The person whom a verifier is about to call. Raises Forbidden, Gone."""
    opened = vault.open_contacts([lead_id], purpose=vault.Purpose.CHECK, actor=actor)
    return opened[lead_id]
