"""Rates of commission: set for a scope from a moment on, never edited."""

from __future__ import annotations

from datetime import datetime

from exchange.billing.models import CommissionRate
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import save
from exchange.core.errors import FieldProblem, Invalid
from exchange.core.money import BASIS_POINTS


def set_rate(
    *, scope: str, bps: int, actor: Actor, effective_from: datetime | None = None
) -> CommissionRate:
    """Let this rate hold for sales settled in the scope from now, or from a later moment.

    Raises Invalid for a rate outside 0..10,000 basis points and for a moment that has passed:
    what was settled under the old rate stays as it was.
    """
    now = clock.now()
    moment = effective_from or now
    if not 0 <= bps <= BASIS_POINTS:
        raise Invalid(errors=(FieldProblem("/bps", "out_of_range", "Between 0 and 10,000."),))
    if moment < now:
        problem = FieldProblem("/effective_from", "in_past", "Choose a moment still to come.")
        raise Invalid(errors=(problem,))
    rate = save(CommissionRate(scope=scope, bps=bps, effective_from=moment))
    events.record("commission_rate.set", subject=rate, actor=actor, scope=scope, bps=bps)
    return rate
