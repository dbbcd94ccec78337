"""The writing half of intake: one chunk of checked rows into the tables, in a few statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from exchange.catalog.definition import Terms
from exchange.core import clock
from exchange.core.db import db
from exchange.core.ids import uuid7
from exchange.leads import queries, seal, vault
from exchange.leads.checking import CheckedRow, Outcome
from exchange.leads.models import Batch, ConsentText, LeadStatus
from exchange.leads.rows import Claim, claim_fingerprints, copy_rows
from exchange.leads.services import repeats

LEAD_COLUMNS: Final = (
    "id", "created_at", "organization_id", "vertical_id", "batch_id", "source_id", "sub_source",
    "row_number", "status", "kind", "sales_max", "sold", "attributes", "preview", "region",
    "postal_code", "requested_at", "landing_url", "leaf", "in_frame",
)  # fmt: skip
CONTACT_COLUMNS: Final = (
    "lead_id", "key_version", "wrapped_key", "locked", "salt", "phone_index", "email_index",
)  # fmt: skip
CONSENT_COLUMNS: Final = ("lead_id", "text_id", "given_at", "page_url", "purposes")
PROBLEM_COLUMNS: Final = (
    "batch_id", "row_number", "line_number", "status", "codes", "locked", "since",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that becomes no lead, with its codes; a duplicate says since when."""

    number: int
    line: int
    status: LeadStatus
    codes: tuple[str, ...]
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A checked row on its way to becoming a lead."""

    lead_id: UUID
    row: CheckedRow
    hashes: tuple[bytes, ...]

    @classmethod
    def of(cls, row: CheckedRow, *, hashes: tuple[bytes, ...]) -> Self:
        """A candidate with the id that its lead will have."""
        return cls(uuid7(), row, hashes)

    def refused(self, status: LeadStatus, code: str, since: datetime | None = None) -> Refused:
        """The row after all as one that becomes no lead."""
        return Refused(self.row.number, self.row.line, status, (code,), since)


def write_chunk(
    batch: Batch,
    candidates: Sequence[Candidate],
    refused: Sequence[Refused],
    *,
    terms: Terms,
    cells: Mapping[int, Sequence[str]],
    secret: bytes,
) -> Counter[LeadStatus]:
    """Write a chunk on the terms of its vertical; returns how many rows ended in each state."""
    claims = [Claim(candidate.lead_id, candidate.hashes) for candidate in candidates]
    now = clock.after_lock()
    window = timedelta(days=terms.duplicate_window_days)
    won = claim_fingerprints(claims, vertical_id=batch.vertical_id, now=now, window=window)
    kept = [candidate for candidate in candidates if candidate.lead_id in won]
    beaten = [candidate for candidate in candidates if candidate.lead_id not in won]
    problems = [*refused, *_duplicates(batch, beaten)]
    _write_leads(batch, kept, terms=terms)
    _write_problems(batch, problems, cells=cells, secret=secret)
    return Counter([_status(candidate.row) for candidate in kept] + [p.status for p in problems])


def _status(row: CheckedRow) -> LeadStatus:
    return LeadStatus.VALID if row.outcome is Outcome.VALID else LeadStatus.IN_REVIEW


def _duplicates(batch: Batch, beaten: Sequence[Candidate]) -> list[Refused]:
    """Say since when the person is known, never through whom (decision 4)."""
    known = queries.known_people(batch.vertical_id, {v for c in beaten for v in c.hashes})
    found = []
    for candidate in beaten:
        first = next(known[value] for value in candidate.hashes if value in known)
        inside = first.batch_id == batch.id
        code = "duplicate_in_file" if inside else "duplicate_in_window"
        found.append(candidate.refused(LeadStatus.DUPLICATE, code, first.since))
        if not inside and first.organization_id == batch.organization_id:
            _attach_repeat(batch, candidate, first.lead_id)
    return found


def _attach_repeat(batch: Batch, candidate: Candidate, lead_id: UUID) -> None:
    """A repeat from the same seller is interest, not rubbish: the live lead asked again."""
    repeats.attach([repeats.Repeat(lead_id, _asked_at(candidate.row), batch.source_id)])


def _write_leads(batch: Batch, kept: Sequence[Candidate], *, terms: Terms) -> None:
    texts = _consent_texts(batch, kept)
    leads, contacts, consents = [], [], []
    for candidate in kept:
        locked = _lock(candidate)
        in_frame = _is_in_frame(candidate.row, terms)
        leaf = _leaf(candidate, locked.salt)
        leads.append(_lead(batch, candidate, leaf=leaf, in_frame=in_frame))
        contacts.append((
            candidate.lead_id, locked.key_version, locked.wrapped_key, locked.locked, locked.salt,
            locked.phone_index, locked.email_index,
        ))  # fmt: skip
        consents.append(_consent(candidate, texts))
    copy_rows("lead", LEAD_COLUMNS, leads)
    copy_rows("contact", CONTACT_COLUMNS, contacts)
    copy_rows("consent", CONSENT_COLUMNS, consents)


def _lock(candidate: Candidate) -> vault.Locked:
    row = candidate.row
    keys = {key.kind: key.value for key in row.identities}
    contact = {name: str(value) for name, value in row.contact.items()}
    return vault.lock(candidate.lead_id, contact, keys=keys)


def _leaf(candidate: Candidate, salt: bytes) -> bytes:
    row = candidate.row
    record = {**row.attributes, **row.contact, "requested_at": _asked_at(row).isoformat()}
    return seal.leaf(salt, seal.canonical(record))


def _asked_at(row: CheckedRow) -> datetime:
    """When the person asked; a file that does not say it means the moment of the upload."""
    return row.requested_at or clock.now()


def _is_in_frame(row: CheckedRow, terms: Terms) -> bool:
    """Whether the lead may be drawn: it is valid, and the person agreed to a call (decision 14)."""
    agreed = bool(row.consent.get("quality_check"))
    return row.outcome is Outcome.VALID and (agreed or not terms.consent.quality_check_required)


def _lead(batch: Batch, candidate: Candidate, *, leaf: bytes, in_frame: bool) -> tuple[object, ...]:
    row = candidate.row
    return (
        candidate.lead_id, clock.now(), batch.organization_id, batch.vertical_id, batch.id,
        batch.source_id, row.sub_source, row.number, _status(row).value, batch.kind.value,
        batch.sales_max, 0, dict(row.attributes), dict(row.preview), row.region, row.postal_code,
        _asked_at(row), str(row.consent.get("page_url", "")), leaf, in_frame,
    )  # fmt: skip


def _consent(candidate: Candidate, texts: Mapping[bytes, UUID]) -> tuple[object, ...]:
    row = candidate.row
    text = row.consent.get("text")
    given_at = row.consent.get("given_at")
    purposes = ["quality_check"] if row.consent.get("quality_check") else []
    text_id = texts[_digest(str(text))] if text else None
    return (candidate.lead_id, text_id, given_at, str(row.consent.get("page_url", "")), purposes)


def _consent_texts(batch: Batch, kept: Sequence[Candidate]) -> dict[bytes, UUID]:
    """The ids of the wordings in this chunk; a seller has few of them."""
    wanted = {_digest(str(t)): str(t) for c in kept if (t := c.row.consent.get("text"))}
    if not wanted:
        return {}
    rows = [
        {"id": uuid7(), "organization_id": batch.organization_id, "sha256": key, "text": text}
        for key, text in sorted(wanted.items())
    ]
    db.session.execute(insert(ConsentText).on_conflict_do_nothing().values(rows))
    held = select(ConsentText.sha256, ConsentText.id).where(
        ConsentText.organization_id == batch.organization_id, ConsentText.sha256.in_(wanted)
    )
    return {row.sha256: row.id for row in db.session.execute(held)}


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _write_problems(
    batch: Batch,
    problems: Sequence[Refused],
    *,
    cells: Mapping[int, Sequence[str]],
    secret: bytes,
) -> None:
    copy_rows(
        "problem_row",
        PROBLEM_COLUMNS,
        (
            (
                batch.id, row.number, row.line, row.status.value, list(row.codes),
                vault.lock_cells(secret, cells[row.number], batch_id=batch.id, row=row.number),
                row.since,
            )
            for row in problems
        ),
    )  # fmt: skip
