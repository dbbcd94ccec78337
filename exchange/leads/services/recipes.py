"""Recipes: all that other processes need for the rows of a mapped file."""

from __future__ import annotations

from exchange.catalog import queries as catalog
from exchange.core.keys import keyring
from exchange.leads import queries
from exchange.leads.models import Batch, Import
from exchange.leads.preparing import Lot, Recipe
from exchange.leads.services import files
from exchange.leads.services.mending import files_mending
from exchange.leads.suspicion import zones_of


def for_batch(draft: Import, batch: Batch) -> Recipe:
    """How the rows of a confirmed file become leads of its batch."""
    terms = catalog.get_terms(queries.vertical_of(batch.vertical_id))
    return _recipe(draft, Lot.of(batch, terms))


def for_draft(draft: Import, *, until: int | None = None) -> Recipe:
    """How the rows of a draft are looked at, all of them or those up to this number.

    Up to 0: as if no row had been edited or dropped.
    """
    terms = catalog.get_terms(queries.vertical_of(draft.vertical_id))
    return _recipe(draft, Lot.of_draft(draft, terms), until=until)


def _recipe(draft: Import, lot: Lot, *, until: int | None = None) -> Recipe:
    return Recipe(
        lot,
        files.rules(draft),
        files.columns(draft),
        files_mending(draft, until=until),
        files.secret_of(draft),
        keyring(),
        zones_of(catalog.get_definition(queries.vertical_of(draft.vertical_id))),
    )
