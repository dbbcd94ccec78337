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


def for_draft(draft: Import, *, with_rows: bool = True) -> Recipe:
    """How the rows of a draft are looked at; without rows, before a single one was edited."""
    terms = catalog.get_terms(queries.vertical_of(draft.vertical_id))
    return _recipe(draft, Lot.of_draft(draft, terms), with_rows=with_rows)


def _recipe(draft: Import, lot: Lot, *, with_rows: bool = True) -> Recipe:
    return Recipe(
        lot,
        files.rules(draft),
        files.columns(draft),
        files_mending(draft, with_rows=with_rows),
        files.secret_of(draft),
        keyring(),
        zones_of(catalog.get_definition(queries.vertical_of(draft.vertical_id))),
    )
