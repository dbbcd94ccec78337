"""What the inventory does when something of its own happened."""

from __future__ import annotations

from exchange.core.events import Event, on
from exchange.core.jobs import enqueue
from exchange.leads.services import lots
from exchange.leads.services.fixes import forget_rows


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


@on("import.check_asked")
def ring_for_check(event: Event) -> None:
    """A draft that was mapped or mended is checked by a worker."""
    enqueue("leads.check_draft", event.subject.id)


@on("batch.validated")
def forget_mended_rows(event: Event) -> None:
    """What was mended is in the leads now, and what was refused in the problem rows."""
    forget_rows(batch_id=event.subject.id)
