"""One lead through what files go through by the thousand: screening, fingerprints, writing.

The only module of single leads that knows how intake screens and writes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.catalog.definition import Terms
from exchange.core import clock, events
from exchange.core.actors import SYSTEM
from exchange.core.crypto import new_key
from exchange.core.db import get
from exchange.core.events import Ref
from exchange.leads import post_queries, queries
from exchange.leads.checking import CheckedRow
from exchange.leads.models import Batch, Lead, LeadStatus
from exchange.leads.post_models import SourceTerms
from exchange.leads.services.writing import Candidate, write_chunk
from exchange.leads.vault import blind_index


@dataclass(frozen=True, slots=True)
class Written:
    """The lead that a row became, or since when its person is known."""

    lead: Lead | None
    since: datetime | None = None


def is_suppressed(row: CheckedRow) -> bool:
    """Whether the person must not be contacted."""
    return bool(queries.suppressed_hashes(_hashes(row)))


def known_since(terms: SourceTerms, row: CheckedRow, *, is_test: bool) -> datetime | None:
    """Since when the person is in the vertical; None for somebody new.

    The same seller's repeat is interest, not rubbish: the live lead asked again. A test leaves no
    trace.
    """
    now = clock.after_lock()
    known = post_queries.known_since(terms.vertical_id, _hashes(row), now=now)
    if known is None:
        return None
    since, lead_id, owner = known
    if owner == terms.organization_id and not is_test:
        _attach_repeat(terms, row, lead_id)
    return since


def write(batch: Batch, row: CheckedRow, *, terms: Terms) -> Written:
    """Write a checked row as the next lead of the lot, unless somebody posts the person just now.

    The fingerprint's key decides between any number of posts and files at the same moment.
    """
    number = batch.rows_done + 1
    row = dataclasses.replace(row, number=number, line=number)
    candidate = Candidate.of(row, hashes=_hashes(row))
    ended = write_chunk(batch, [candidate], [], terms=terms, cells={number: ()}, secret=new_key())
    if ended[LeadStatus.DUPLICATE]:
        return Written(None, post_queries.take_back_problem(batch.id, row=number))
    return Written(get(Lead, candidate.lead_id))


def _hashes(row: CheckedRow) -> tuple[bytes, ...]:
    found = (blind_index(key.kind, key.value) for key in row.identities)
    return tuple(value for value in found if value)


def _attach_repeat(terms: SourceTerms, row: CheckedRow, lead_id: UUID) -> None:
    events.record(
        "lead.asked_again",
        subject=Ref("lead", lead_id),
        actor=SYSTEM,
        organization_id=terms.organization_id,
        asked_at=row.requested_at.isoformat() if row.requested_at else None,
        source_id=str(terms.source_id),
    )
