"""One lead through what files go through by the thousand: screening, fingerprints, writing.

The only module of single leads that knows how intake screens and writes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange.catalog.definition import Terms, VerticalDefinition
from exchange.core import clock
from exchange.core.crypto import new_key
from exchange.core.db import get
from exchange.core.keys import keyring
from exchange.leads import people, post_queries
from exchange.leads.checking import CheckedRow, Rules
from exchange.leads.mending import Mending
from exchange.leads.models import Batch, Lead, LeadStatus
from exchange.leads.post_models import SourceTerms
from exchange.leads.preparing import Lot, Preparer, Recipe
from exchange.leads.queries import Known
from exchange.leads.services import repeats, resubmission, screening
from exchange.leads.services.repeats import Repeat
from exchange.leads.services.writing import write_block
from exchange.leads.suspicion import zones_of


@dataclass(frozen=True, slots=True)
class Written:
    """The lead that a row became; else why not, and since when its person is known."""

    lead: Lead | None
    status: LeadStatus
    since: datetime | None = None


def is_suppressed(row: CheckedRow, *, terms: SourceTerms) -> bool:
    """Whether the person must not be contacted."""
    hashes = screening.identity_hashes(row)
    return bool(people.suppressed_hashes(hashes, seller_id=terms.organization_id))


def known_since(
    source: SourceTerms, row: CheckedRow, *, terms: Terms, is_test: bool
) -> datetime | None:
    """Since when the person is in the vertical; None for somebody new.

    The same seller's repeat is interest, not rubbish: the live lead asked again. A test leaves no
    trace.
    """
    now = clock.after_lock()
    known = first_known(source, screening.duplicate_hashes(row, terms.duplicates), now=now)
    if known is None:
        return None
    if known.organization_id == source.organization_id and not is_test:
        repeats.attach([Repeat(known.lead_id, row.requested_at or now, source.source_id)])
    return known.since


def first_known(source: SourceTerms, hashes: Sequence[bytes], *, now: datetime) -> Known | None:
    """Through whom these people are in the vertical of the source; None for somebody new."""
    found = post_queries.known_since(source.vertical_id, hashes, now=now)
    if found is None:
        return None
    since, lead_id, owner = found
    known = Known(since, lead_id, None, owner)
    if resubmission.earlier_leads([known], seller_id=source.organization_id, is_locked=False):
        return None  # of a lot that came to nothing: writing says what was found of them
    return known


def write(batch: Batch, row: CheckedRow, *, definition: VerticalDefinition) -> Written:
    """Write a checked row as the next lead of the lot, unless somebody posts the person just now.

    The fingerprint's key decides between any number of posts and files at the same moment.
    """
    number = batch.rows_done + 1
    recipe = _recipe(batch, definition)
    numbered = dataclasses.replace(row, number=number, line=number)
    prepared = Preparer(recipe).prepare_checked([numbered], cells=())
    written = write_block(batch, prepared, recipe=recipe)
    if written.leads:
        lead = get(Lead, written.leads[0].id)
        return Written(lead, lead.status)
    since = post_queries.take_back_problem(batch.id, row=number)
    return Written(None, written.refused[0].status, since)


def _recipe(batch: Batch, definition: VerticalDefinition) -> Recipe:
    lot = Lot.of(batch, definition.terms)
    rules = Rules.of(definition, now=clock.now())
    return Recipe(lot, rules, {}, Mending(), new_key(), keyring(), zones_of(definition))
