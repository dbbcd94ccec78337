"""Proofs of single leads: that one stood in a sealed lot, for whoever has the root."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from exchange.core.db import get
from exchange.core.errors import NotFound
from exchange.leads import queries as leads
from exchange.leads.models import Batch, Lead
from exchange.leads.seal import merkle_path


def leaf_proof(batch: Batch, *, index: int) -> dict[str, Any]:  # Any: JSON
    """The leaf at this 0-based place of a sealed lot, with its path to the root.

    It takes one pass over the leaves. Raises NotFound for a place that the lot does not have.
    """
    assert batch.population is not None
    assert batch.merkle_root is not None
    if not 0 <= index < batch.population:
        raise NotFound("This lot has no such leaf.")
    return {
        "object": "leaf_proof",
        "batch": batch.public_id,
        "index": index,
        "count": batch.population,
        "root": batch.merkle_root.hex(),
        "leaf": leads.leads_at(batch.id, [index])[index].leaf.hex(),
        "path": [node.hex() for node in merkle_path(leads.leaves(batch.id), index)],
    }


def lead_proof(batch: Batch, *, lead_id: UUID) -> dict[str, Any]:  # Any: JSON
    """The same of a lead. Raises NotFound for a lead that does not stand under the lot's root."""
    lead = get(Lead, lead_id)
    if lead.batch_id != batch.id or not lead.in_frame:
        raise NotFound("This lead does not stand in this lot.")
    return leaf_proof(batch, index=leads.place_of(lead))
