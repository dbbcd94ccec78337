"""Jobs of the spot check: draw a large lot, and find what a silent doorbell left undone."""

from __future__ import annotations

from uuid import UUID

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.jobs import enqueue_each, job, sweep
from exchange.leads.models import Batch
from exchange.verification import queries
from exchange.verification.queries import inspected
from exchange.verification.services import (
    draws,
    exams,
    full_inspections,
    gold,
    oversight,
    priors,
    samples,
    tasks,
)

DRAWS_PER_SWEEP = 20
INSPECTIONS_PER_SWEEP = 100
CLOSED_PER_SWEEP = 100


@job("verification.draw", queue="bulk", of=Batch)
def draw(batch_id: UUID) -> None:
    """Draw a lot whose nonce is there, or will not come any more."""
    draws.make_draw(batch_id=batch_id, actor=SYSTEM)


@sweep("verification.draws", seconds=10)
def ring_for_draws() -> None:
    """Ring for lots that nobody has to wait for."""
    enqueue_each("verification.draw", queries.draws_to_make(clock.now(), limit=DRAWS_PER_SWEEP))


@sweep("verification.leases", seconds=10)
def free_calls() -> None:
    """Free calls whose verifier went away, and drop those that nobody needs any longer."""
    tasks.expire_leases()
    samples.cancel_leftovers()
    full_inspections.end_leftovers()


@sweep("verification.uncallable", seconds=60)
def close_uncallable_calls() -> None:
    """Close questions about people who were taken off the lists while somebody called them."""
    samples.close_left_behind(limit=CLOSED_PER_SWEEP)


@job("verification.inspect_on")
def inspect_on(inspection_id: UUID) -> None:
    """Queue more calls of a full inspection, or end it."""
    full_inspections.go_on(inspection_id=inspection_id)


@sweep("verification.inspections", seconds=60)
def ring_for_inspections() -> None:
    """Ring for full inspections that run: whoever was taken off the lists leaves no answer."""
    enqueue_each("verification.inspect_on", inspected.to_go_on(limit=INSPECTIONS_PER_SWEEP))


@sweep("verification.workers", seconds=10)
def check_the_checkers() -> None:
    """Decide exams, pause who errs in known calls, and drop known calls that nobody will take."""
    exams.decide_due()
    oversight.review_due()
    gold.tidy()


@sweep("verification.priors", seconds=3_600)
def renew_priors() -> None:
    """Work out anew what a day's lots have changed about the sources of a vertical."""
    for vertical_id in queries.verticals_without_prior(clock.now()):
        priors.renew_prior(vertical_id)
