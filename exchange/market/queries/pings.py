"""Questions about pings: by which listing their lead would be sold."""

from __future__ import annotations

from sqlalchemy import select

from exchange.core.db import db
from exchange.leads.models import Batch, BatchStatus
from exchange.leads.post_models import SourceTerms
from exchange.market.models import Listing


def listing_of_open_lot(terms: SourceTerms) -> Listing | None:
    """The listing of the lot that takes the source's next lead, where there is one."""
    return db.session.scalar(
        select(Listing)
        .join(Batch, Batch.id == Listing.batch_id)
        .where(
            Batch.source_id == terms.source_id,
            Batch.vertical_id == terms.vertical_id,
            Batch.status == BatchStatus.OPEN,
            Listing.criteria == {},
        )
    )
