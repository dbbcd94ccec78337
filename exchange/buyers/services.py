"""Verbs of the buyer's own: keep a search, look through it again, let it go."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.buyers.models import SavedSearch
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.core.events import record
from exchange.identity.models import Organization
from exchange.market.filters import Filters
from exchange.market.queries import Sort, search

SEARCHES_MAX: Final = 50  # of one organization
QUIET: Final = timedelta(days=1)  # after a notice


def save_search(*, name: str, query: str, notifies: bool, actor: Actor) -> SavedSearch:
    """Keep what was looked for under a name; under the same name it replaces what stood there.

    The query was read before. Raises Invalid without a name, Conflict where there are too many.
    """
    assert actor.organization_id is not None
    name = " ".join(name.split())
    if not name:
        raise Invalid(errors=(FieldProblem("/name", "missing_required", "Give it a name."),))
    lock(Organization, actor.organization_id)  # two of one name wait for each other
    mine = SavedSearch.organization_id == actor.organization_id
    found = db.session.scalar(select(SavedSearch).where(mine, SavedSearch.name == name))
    if found is None:
        if (db.session.scalar(select(func.count()).where(mine)) or 0) >= SEARCHES_MAX:
            raise Conflict(f"At most {SEARCHES_MAX} searches can be kept.")
        found = SavedSearch(organization_id=actor.organization_id, name=name)
    found.query, found.notifies = query, notifies
    found.looked_at = found.quiet_until = clock.now()
    save(found)
    record("saved_search.kept", subject=found, actor=actor, notifies=notifies)
    return found


def delete_search(*, search_id: UUID, actor: Actor) -> None:
    """Let a search go that was kept. Raises NotFound where it is not the actor's."""
    found = lock(SavedSearch, search_id)
    if found.organization_id != actor.organization_id:
        raise NotFound
    record("saved_search.deleted", subject=found, actor=actor)
    db.session.delete(found)
    db.session.flush()


def look_again(*, search_id: UUID, filters: Filters) -> bool:
    """Tell of what came on sale since the last look and fits; then be quiet for a day.

    Safe to repeat. Whether there was something to tell.
    """
    found, now = lock(SavedSearch, search_id), clock.after_lock()
    if not found.notifies or found.quiet_until > now:
        return False
    results = search(viewer=found.organization_id, filters=filters, sort=Sort.NEWEST, limit=1)
    if results.items:
        found.quiet_until = now + QUIET
        record(
            "saved_search.matched",
            subject=found,
            actor=SYSTEM,
            name=found.name,
            query=found.query,
        )
    # A count that is a minute old has not seen what came since.
    found.looked_at = min(now, results.counted_at)
    return bool(results.items)
