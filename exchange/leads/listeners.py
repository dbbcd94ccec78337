"""What the inventory does when something of its own happened."""

from __future__ import annotations

from exchange.core.events import Event, on
from exchange.core.jobs import enqueue
from exchange.leads.services import lots


@on("batch.validating")
def ring_for_intake(event: Event) -> None:
    """A confirmed batch is taken in by a worker."""
    enqueue("leads.take_in", event.subject.id)


@on("batch.accepted")
def trust_source(event: Event) -> None:
    """A source whose last lot was accepted sells single leads at once (decision 6)."""
    lots.trust_source(batch_id=event.subject.id, before=event.facts["before"])


@on("batch.undecided")
def distrust_source(event: Event) -> None:
    """Who could not be judged waits for the next check."""
    lots.distrust_source(batch_id=event.subject.id)


@on("batch.rejected")
def stop_source(event: Event) -> None:
    """A rejected rolling lot stops its source (decision 6)."""
    lots.stop_source(batch_id=event.subject.id)
