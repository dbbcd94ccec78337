"""Jobs of the spot check: draw a large lot, and find what a silent doorbell left undone."""

from __future__ import annotations

from uuid import UUID

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.jobs import enqueue, job, sweep
from exchange.verification import queries
from exchange.verification.services import draws, priors, samples, tasks

DRAWS_PER_SWEEP = 20


@job("verification.draw", queue="bulk")
def draw(batch_id: UUID) -> None:
    """Draw a lot whose nonce is there, or will not come any more."""
    draws.make_draw(batch_id=batch_id, actor=SYSTEM)


@sweep("verification.draws", seconds=10)
def ring_for_draws() -> None:
    """Ring for lots that nobody has to wait for."""
    for batch_id in queries.draws_to_make(clock.now(), limit=DRAWS_PER_SWEEP):
        enqueue("verification.draw", batch_id)


@sweep("verification.leases", seconds=10)
def free_calls() -> None:
    """Free calls whose verifier went away, and drop those that nobody needs any longer."""
    tasks.expire_leases()
    samples.cancel_leftovers()


@sweep("verification.priors", seconds=3_600)
def renew_priors() -> None:
    """Work out anew what a day's lots have changed about the sources of a vertical."""
    for vertical_id in queries.verticals_without_prior(clock.now()):
        priors.renew_prior(vertical_id)
