"""Work in the background: looking through kept searches for what came on sale."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final
from uuid import UUID

from exchange.buyers import services
from exchange.buyers.looking import look_again
from exchange.buyers.models import SavedSearch
from exchange.buyers.queries.searches import searches_to_look_through
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import DomainError
from exchange.core.jobs import enqueue_each, job, sweep

log = logging.getLogger(__name__)

SEARCHES_PER_SWEEP: Final = 100


@job("buyers.look_again", queue="bulk", of=SavedSearch)
def look_through(search_id: UUID) -> None:
    """Tell a buyer of new listings that fit a kept search."""
    kept = db.session.get(SavedSearch, search_id)
    if kept is None:
        return
    try:
        found = look_again(kept.query)
    except DomainError:
        # The vertical knows the field no longer: its page says so when somebody opens the search.
        log.info("a kept search cannot be read any longer: %s", kept.public_id)
        return
    filters = replace(found.filters, published_after=kept.looked_at)
    services.look_again(search_id=search_id, filters=filters)


@sweep("buyers.look_again", seconds=300)
def find_searches() -> None:
    """Ring for kept searches that nobody was told of today."""
    enqueue_each(
        "buyers.look_again", searches_to_look_through(clock.now(), limit=SEARCHES_PER_SWEEP)
    )
