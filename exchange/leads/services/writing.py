"""The writing half of intake: one block of prepared rows into the tables, in a few statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from exchange.core import clock
from exchange.core.db import db
from exchange.core.ids import uuid7
from exchange.leads import copying, people, queries
from exchange.leads.models import Batch, ConsentText, LeadStatus
from exchange.leads.preparing import (
    CONSENT_COLUMNS,
    CONTACT_COLUMNS,
    LEAD_COLUMNS,
    Candidate,
    Prepared,
    Recipe,
)
from exchange.leads.rows import Claim, claim_fingerprints, copy, copy_values
from exchange.leads.services import digests, named_buyers, repeats, resubmission
from exchange.leads.services.repeats import Repeat
from exchange.leads.services.resubmission import Comeback
from exchange.leads.suspicion import score

UNMARKED: Final = copying.small_integer(0) + copying.NULL
Marks = Mapping[int, tuple[str, ...]]
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
    locked: bytes  # its cells
    since: datetime | None = None


@dataclass(slots=True)
class Sorted:
    """Candidates that become leads, and those that do not."""

    recipe: Recipe
    kept: list[Candidate] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def refuse(
        self, row: Candidate, status: LeadStatus, *, code: str, since: datetime | None = None
    ) -> None:
        """The candidate is no lead after all."""
        locked = row.lock_cells(self.recipe)
        self.refused.append(Refused(row.number, row.line, status, (code,), locked, since))


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a block."""

    leads: Sequence[Candidate]
    refused: Sequence[Refused]  # suppressed and duplicate rows; the invalid ones are not among them
    counts: Counter[LeadStatus]


def write_block(
    batch: Batch, prepared: Prepared, *, recipe: Recipe, marks: Marks | None = None
) -> Written:
    """Write a block that was prepared by the recipe; each of its rows ends in one state.

    `marks` by row number say what looks odd beside other rows; else each row's own are taken.
    """
    found = _sort_out(prepared.candidates, recipe)
    now = clock.after_lock()
    window = timedelta(days=recipe.rules.terms.duplicate_window_days)
    claim = partial(claim_fingerprints, vertical_id=batch.vertical_id, now=now, window=window)
    beaten = claim(_claims(found.kept))
    comebacks = _refuse_known(batch, found, beaten, claim=claim)
    _write_leads(batch, found.kept, texts=prepared.texts, marks=marks or {})
    reviewed = resubmission.carry_over(comebacks) if comebacks else set()
    _write_refused(batch, found.refused)
    _write_invalid(batch, prepared)
    digests.note_pairs(b"".join(candidate.digests for candidate in prepared.candidates))
    counts = Counter(problem.status for problem in found.refused)
    sound = sum(row.is_valid and row.id not in reviewed for row in found.kept)
    counts[LeadStatus.VALID] = sound
    counts[LeadStatus.IN_REVIEW] = len(found.kept) - sound
    counts[LeadStatus.INVALID] += len(prepared.invalid)
    assert counts.total() == prepared.size, f"batch {batch.id} lost a row"
    return Written(found.kept, found.refused, counts)


def _sort_out(candidates: Sequence[Candidate], recipe: Recipe) -> Sorted:
    """Suppressed people and repeats inside the block apart from the rest."""
    hashes = {value for candidate in candidates for value in candidate.people}
    banned = people.suppressed_hashes(hashes, seller_id=recipe.lot.organization_id)
    found = Sorted(recipe)
    seen: set[bytes] = set()
    for candidate in candidates:
        if banned and not banned.isdisjoint(candidate.people):
            found.refuse(candidate, LeadStatus.SUPPRESSED, code="suppressed")
        elif not seen.isdisjoint(candidate.hashes):
            found.refuse(candidate, LeadStatus.DUPLICATE, code="duplicate_in_file")
        else:
            found.kept.append(candidate)
            seen.update(candidate.hashes)
    return found


def _claims(rows: Iterable[Candidate]) -> list[Claim]:
    return [Claim(row.lead_id, row.hashes) for row in rows]


def _refuse_known(
    batch: Batch, found: Sorted, beaten: set[bytes], *, claim: Callable[[list[Claim]], set[bytes]]
) -> list[Comeback]:
    """Say since when a person is known, never through whom (decision 4).

    A repeat from the same seller is interest, not rubbish: it attaches to the live lead. Where the
    seller's lot came to nothing the row is kept, or refused by what a check found then.
    """
    if not beaten:
        return []
    losers = [candidate for candidate in found.kept if candidate.lead_id in beaten]
    found.kept = [candidate for candidate in found.kept if candidate.lead_id not in beaten]
    known = queries.known_people(batch.vertical_id, {v for c in losers for v in c.hashes})
    earlier = resubmission.earlier_leads(known.values(), seller_id=batch.organization_id)
    again: list[Repeat] = []
    comebacks: list[Comeback] = []
    for row in losers:
        holders = [known[value] for value in row.hashes if value in known]
        match = resubmission.recognise(holders, earlier)
        if match and match.failed_at:
            code = resubmission.FAILED_BEFORE
            found.refuse(row, LeadStatus.INVALID, code=code, since=match.failed_at)
        elif match:
            is_same = [one.lead_id for one in holders] == [match.lead_id] * len(row.hashes)
            comebacks.append(Comeback(row, match, is_same))
        else:
            again += _refuse_repeat(batch, found, row, first=holders[0] if holders else None)
    repeats.attach(again)
    return _take_back(found, comebacks, batch=batch, claim=claim) if comebacks else []


def _refuse_repeat(
    batch: Batch, found: Sorted, row: Candidate, *, first: queries.Known | None
) -> Iterable[Repeat]:
    if first is None:  # erased between our claim and this look
        found.refuse(row, LeadStatus.DUPLICATE, code="duplicate_in_window")
        return
    inside = first.batch_id == batch.id
    code = "duplicate_in_file" if inside else "duplicate_in_window"
    found.refuse(row, LeadStatus.DUPLICATE, code=code, since=first.since)
    if not inside and first.organization_id == batch.organization_id:
        asked_at = datetime.fromtimestamp(row.asked_at, UTC)
        yield Repeat(first.lead_id, asked_at, batch.source_id)


def _take_back(
    found: Sorted,
    comebacks: Sequence[Comeback],
    *,
    batch: Batch,
    claim: Callable[[list[Claim]], set[bytes]],
) -> list[Comeback]:
    """The rows take their people over, unless another upload is faster."""
    resubmission.let_go(comebacks, vertical_id=batch.vertical_id)
    beaten = claim(_claims(one.row for one in comebacks))
    won = [one for one in comebacks if one.row.lead_id not in beaten]
    found.kept += [one.row for one in won]
    for one in comebacks:
        if one.row.lead_id in beaten:
            found.refuse(one.row, LeadStatus.DUPLICATE, code="duplicate_in_window")
    return won


def _write_leads(
    batch: Batch, kept: Sequence[Candidate], *, texts: Mapping[bytes, str], marks: Marks
) -> None:
    fields = _text_fields(batch, texts)
    leads = (row.lead + _mark_fields(marks.get(row.number, row.marks)) for row in kept)
    copy("lead", LEAD_COLUMNS, leads)
    copy("contact", CONTACT_COLUMNS, (candidate.contact for candidate in kept))
    consents = (candidate.consent + fields[candidate.text] for candidate in kept)
    copy("consent", CONSENT_COLUMNS, consents)
    named_buyers.write({candidate.id: candidate.buyers for candidate in kept if candidate.buyers})


def _mark_fields(marks: tuple[str, ...]) -> bytes:
    if not marks:
        return UNMARKED
    return copying.small_integer(score(marks)) + copying.document(list(marks))


def _text_fields(batch: Batch, texts: Mapping[bytes, str]) -> dict[bytes | None, bytes]:
    """The ids of the wordings in this block as fields; a seller has few of them."""
    held = _held_texts(batch, texts) if texts else {}
    if held.keys() != texts.keys():
        rows = [
            {"id": uuid7(), "organization_id": batch.organization_id, "sha256": key, "text": text}
            for key, text in sorted(texts.items())
        ]
        db.session.execute(insert(ConsentText).on_conflict_do_nothing().values(rows))
        held = _held_texts(batch, texts)
    return {None: copying.NULL} | held


def _held_texts(batch: Batch, texts: Mapping[bytes, str]) -> dict[bytes | None, bytes]:
    held = select(ConsentText.sha256, ConsentText.id).where(
        ConsentText.organization_id == batch.organization_id, ConsentText.sha256.in_(texts)
    )
    return {row.sha256: copying.identifier(row.id.bytes) for row in db.session.execute(held)}


def _write_refused(batch: Batch, refused: Sequence[Refused]) -> None:
    rows = (
        (batch.id, row.number, row.line, row.status.value, list(row.codes), row.locked, row.since)
        for row in refused
    )
    copy_values("problem_row", PROBLEM_COLUMNS, rows)


def _write_invalid(batch: Batch, prepared: Prepared) -> None:
    status = LeadStatus.INVALID.value
    rows = (
        (batch.id, row.number, row.line, status, list(row.codes), row.locked, None)
        for row in prepared.invalid
    )
    copy_values("problem_row", PROBLEM_COLUMNS, rows)
