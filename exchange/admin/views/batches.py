"""The page of quality: everybody's lots with what was measured, and what waits for a choice."""

from __future__ import annotations

from flask import Response

from exchange.admin import queries
from exchange.admin.schemas import BatchQuery
from exchange.admin.views.blueprint import blueprint
from exchange.core.web import load_query, render
from exchange.identity.access import requires
from exchange.identity.permissions import Permission
from exchange.leads.models import BatchStatus
from exchange.leads.suspicion import explained
from exchange.verification import queries as verification
from exchange.verification.queries import guarantees, inspected


@blueprint.get("/quality")
@requires(Permission.BATCH_REVIEW)
def quality() -> Response:
    asked = load_query(BatchQuery())
    page = queries.batches(**asked)
    return render(
        "admin/quality/index.html",
        block="results",
        page=page,
        asked={"status": str(asked["status"])} if asked["status"] else {},
        statuses=[status for status in BatchStatus if status is not BatchStatus.DRAFT],
        oddities={batch.id: explained(batch.suspicion) for batch in page.items},
        names=queries.names({batch.organization_id for batch in page.items}),
        standings={
            batch.id: standing for batch in page.items if (standing := inspected.standing(batch.id))
        },
        looks=guarantees.runs_of([batch.id for batch in page.items]),
        qualities=verification.published_qualities([batch.id for batch in page.items]),
    )
