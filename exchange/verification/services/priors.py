"""The verb of priors: what is thought of a vertical's sources before their first lot."""

from __future__ import annotations

from uuid import UUID

from exchange.core.db import save
from exchange.verification.models import Sample
from exchange.verification.queries.reputation import lots_by_cell
from exchange.verification.reputation import prior_of, weigh
from exchange.verification.reputation_models import VerticalPrior


def renew_prior(vertical_id: UUID) -> VerticalPrior:
    """Work the prior of a vertical out from all its decided lots, and write it down."""
    found = lots_by_cell(Sample.vertical_id == vertical_id)
    cells = [weigh([lot for _, lot in lots]) for lots in found.values()]
    prior = prior_of(cells)
    return save(
        VerticalPrior(
            vertical_id=vertical_id,
            mean=prior.mean,
            strength=prior.strength,
            cells=sum(cell.checks > 0 for cell in cells),
        )
    )
