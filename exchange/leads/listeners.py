"""What the inventory does when something of its own happened."""

from __future__ import annotations

from exchange.core.events import Event, on
from exchange.core.jobs import enqueue


@on("batch.validating")
def ring_for_intake(event: Event) -> None:
    """A confirmed batch is taken in by a worker."""
    enqueue("leads.take_in", event.subject.id)
