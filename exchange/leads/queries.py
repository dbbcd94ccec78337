"""Questions about the inventory. What a seller may see is narrowed to their own rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Integer, any_, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import ColumnElement

from exchange.catalog.fields import LeadFields
from exchange.catalog.models import LeadSchema, Vertical
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.invariants import invariant
from exchange.core.pagination import Page, paginate
from exchange.leads.draft_models import ImportRow, RowEnd
from exchange.leads.mapping import header_key
from exchange.leads.models import (
    Batch,
    BatchStatus,
    Fingerprint,
    Import,
    ImportStatus,
    Lead,
    ProblemRow,
    Source,
)
from exchange.leads.people import any_of

# Leads that stand under the root of their lot and may be drawn; who comes a second time does not.
IN_FRAME = (Lead.in_frame.is_(True), Lead.repeats_id.is_(None))
LEAVES_PER_FETCH = 5_000
IMPORTS_REMEMBERED = 20  # whose words are known again


def get_batch(batch_id: UUID, *, viewer: UUID | None) -> Batch:
    """A seller's own batch; staff look with viewer None. Raises NotFound."""
    batch = get(Batch, batch_id)
    if viewer is not None and batch.organization_id != viewer:
        raise NotFound
    return batch


def batches(
    *,
    viewer: UUID | None,
    status: BatchStatus | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[Batch]:
    """Batches of a seller, or of everybody for staff, newest first."""
    statement = select(Batch)
    if viewer is not None:
        statement = statement.where(Batch.organization_id == viewer)
    if status is not None:
        statement = statement.where(Batch.status == status)
    return paginate(statement, Batch, cursor=cursor, limit=limit)


def get_import(import_id: UUID, *, viewer: UUID) -> Import:
    """A seller's own import. Raises NotFound."""
    draft = get(Import, import_id)
    if draft.organization_id != viewer:
        raise NotFound
    return draft


def open_imports(*, viewer: UUID) -> Sequence[Import]:
    """Drafts that wait for their seller, newest first."""
    done = (ImportStatus.CONFIRMED, ImportStatus.ABANDONED)
    statement = select(Import).where(Import.organization_id == viewer, Import.status.not_in(done))
    return db.session.scalars(statement.order_by(Import.id.desc()).limit(20)).all()


def find_batch_of_import(import_id: UUID) -> Batch | None:
    """What an import became."""
    return db.session.scalar(select(Batch).where(Batch.import_id == import_id))


def find_batch_of_file(draft: Import) -> Batch | None:
    """The batch that the same seller made of the same bytes before."""
    return db.session.scalar(
        select(Batch)
        .join(Import, Import.id == Batch.import_id)
        .where(
            Import.organization_id == draft.organization_id,
            Import.vertical_id == draft.vertical_id,
            Import.file_sha256 == draft.file_sha256,
            Import.id != draft.id,
        )
        .order_by(Batch.id.desc())
        .limit(1)
    )


def remembered_import(draft: Import) -> Import | None:
    """This seller's last import of a file with the same columns, in whatever order."""
    return db.session.scalar(
        select(Import)
        .where(
            Import.organization_id == draft.organization_id,
            Import.vertical_id == draft.vertical_id,
            Import.status == ImportStatus.CONFIRMED,
            Import.recognition["columns"].as_string() == draft.recognition["columns"],
        )
        .order_by(Import.id.desc())
        .limit(1)
    )


def remembered_mapping(draft: Import) -> dict[str, str | None]:
    """How this seller mapped the last file with the same columns, by normalised header."""
    earlier = remembered_import(draft)
    columns = earlier.mapping["columns"] if earlier else []
    return {header_key(column["header"]): column["field"] for column in columns}


def remembered_words(draft: Import) -> dict[str, dict[str, str]]:
    """What this seller called the values of fields in earlier files, the latest word last."""
    earlier = db.session.scalars(
        select(Import.mapping["words"])
        .where(
            Import.organization_id == draft.organization_id,
            Import.vertical_id == draft.vertical_id,
            Import.status == ImportStatus.CONFIRMED,
            Import.mapping["words"].as_string() != "{}",
        )
        .order_by(Import.id.desc())
        .limit(IMPORTS_REMEMBERED)
    ).all()
    found: dict[str, dict[str, str]] = {}
    for words in reversed(earlier):
        for name, known in words.items():
            found.setdefault(name, {}).update(known)
    return found


def get_source_by_name(name: str, *, viewer: UUID) -> Source:
    """A seller's source. Raises NotFound."""
    source = db.session.scalar(
        select(Source).where(Source.organization_id == viewer, Source.name == name)
    )
    if source is None:
        raise NotFound
    return source


def sources(*, viewer: UUID) -> Sequence[Source]:
    """A seller's sources by name."""
    return db.session.scalars(
        select(Source).where(Source.organization_id == viewer).order_by(Source.name)
    ).all()


def fields_of(schema_id: UUID) -> LeadFields:
    """The fields of a schema version."""
    return get(LeadSchema, schema_id).fields


def vertical_of(vertical_id: UUID) -> Vertical:
    """The vertical by its id."""
    return get(Vertical, vertical_id)


def problem_counts(batch_id: UUID) -> dict[str, int]:
    """How many problem rows carry each code, commonest first."""
    code = func.jsonb_array_elements_text(ProblemRow.codes).label("code")
    rows = db.session.execute(
        select(code, func.count())
        .where(ProblemRow.batch_id == batch_id)
        .group_by(code)
        .order_by(func.count().desc(), code)
    )
    return {row[0]: row[1] for row in rows}


def problem_rows(batch_id: UUID) -> Iterator[ProblemRow]:
    """Every problem row of a batch in the order of the file, a page at a time."""
    after = -1
    while True:
        page = db.session.scalars(
            select(ProblemRow)
            .where(ProblemRow.batch_id == batch_id, ProblemRow.row_number > after)
            .order_by(ProblemRow.row_number)
            .limit(LEAVES_PER_FETCH)
        ).all()
        if not page:
            return
        yield from page
        after = page[-1].row_number


def import_rows(import_id: UUID) -> Iterator[ImportRow]:
    """Every row of a draft that needs its seller, in the order of the file, a page at a time."""
    after = -1
    while page := problem_page(import_id, after=after, limit=LEAVES_PER_FETCH):
        yield from page
        after = page[-1].row_number


def problem_page(
    import_id: UUID, *, field: str = "", code: str = "", after: int = -1, limit: int
) -> Sequence[ImportRow]:
    """The next rows of a draft that are neither sound nor dropped, with this finding if named."""
    statement = select(ImportRow).where(*_needs_seller(import_id), ImportRow.row_number > after)
    if code:
        statement = statement.where(ImportRow.findings.contains([[field, code]]))
    return db.session.scalars(statement.order_by(ImportRow.row_number).limit(limit)).all()


def problem_cells(import_id: UUID, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Those of these rows that need their seller, with their locked cells as they stand now."""
    left = iter(numbers)
    while part := list(islice(left, LEAVES_PER_FETCH)):
        yield from db.session.execute(
            select(ImportRow.row_number, func.coalesce(ImportRow.edited, ImportRow.locked)).where(
                *_needs_seller(import_id),
                ImportRow.row_number == any_(literal(part, ARRAY(Integer))),
            )
        )


def import_rows_at(import_id: UUID, numbers: Collection[int]) -> dict[int, ImportRow]:
    """The kept rows of a draft with these numbers."""
    wanted = (ImportRow.import_id == import_id, ImportRow.row_number.in_(numbers))
    return {row.row_number: row for row in db.session.scalars(select(ImportRow).where(*wanted))}


def leaves(batch_id: UUID) -> Iterator[bytes]:
    """The Merkle leaves of a sealed batch in the order of its rows."""
    return _of_frame(batch_id, Lead.leaf)


def count_frame(batch_id: UUID) -> int:
    """How many leads of a batch may be drawn."""
    return db.session.scalar(select(func.count()).where(*_frame(batch_id))) or 0


def sub_sources(batch_id: UUID) -> Iterator[str]:
    """Which source each sealed lead of a batch names, in the order of its rows."""
    return _of_frame(batch_id, Lead.sub_source)


def count_sub_sources(batch_id: UUID, *, at_least: int) -> dict[str, int]:
    """How many sealed leads of a batch name which source, without those that few leads name."""
    count = func.count()
    rows = db.session.execute(
        select(Lead.sub_source, count)
        .where(*_frame(batch_id))
        .group_by(Lead.sub_source)
        .having(count >= at_least)
    )
    return {row[0]: row[1] for row in rows}


def leads_at(batch_id: UUID, places: Collection[int]) -> dict[int, Lead]:
    """The sealed leads of a batch at these 0-based places among its leaves."""
    place = (func.row_number().over(order_by=Lead.row_number) - 1).label("place")
    frame = select(Lead.id, place).where(*_frame(batch_id)).subquery()
    found = db.session.execute(
        select(frame.c.place, Lead)
        .join(Lead, Lead.id == frame.c.id)
        .where(frame.c.place == any_(literal(list(places), ARRAY(Integer))))
    )
    return {row[0]: row[1] for row in found}


def place_of(lead: Lead) -> int:
    """The 0-based place of a sealed lead among the leaves of its batch."""
    before = (*_frame(lead.batch_id), Lead.row_number < lead.row_number)
    return db.session.scalar(select(func.count()).where(*before)) or 0


T = TypeVar("T")


def _of_frame(batch_id: UUID, column: InstrumentedAttribute[T]) -> Iterator[T]:
    after = -1
    while True:
        page = db.session.execute(
            select(Lead.row_number, column)
            .where(*_frame(batch_id), Lead.row_number > after)
            .order_by(Lead.row_number)
            .limit(LEAVES_PER_FETCH)
        ).all()
        if not page:
            return
        for row in page:
            yield row[1]
        after = page[-1][0]


def _frame(batch_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return Lead.batch_id == batch_id, *IN_FRAME


def get_lead(lead_id: UUID) -> Lead:
    """A lead by its id, for verbs. Raises NotFound."""
    return get(Lead, lead_id)


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who is in the vertical already: since when, through which lead."""

    since: datetime
    lead_id: UUID
    batch_id: UUID | None
    organization_id: UUID | None


def known_people(vertical_id: UUID, hashes: Collection[bytes] | bytes) -> dict[bytes, Known]:
    """Who of these holds the fingerprint now."""
    rows = db.session.execute(
        select(Fingerprint, Lead.batch_id, Lead.organization_id)
        .outerjoin(Lead, Lead.id == Fingerprint.lead_id)
        .where(Fingerprint.vertical_id == vertical_id, Fingerprint.hash.in_(any_of(hashes)))
    )
    return {row[0].hash: Known(row[0].since, row[0].lead_id, row[1], row[2]) for row in rows}


def _needs_seller(import_id: UUID) -> tuple[ColumnElement[bool], ...]:
    mine = ImportRow.import_id == import_id
    return mine, ImportRow.outcome != RowEnd.VALID, ~ImportRow.is_dropped


@invariant("leads.row_equation")
def batches_with_wrong_counts() -> list[str]:
    """Decision 39: what a batch counts is what the tables hold."""
    held = (
        select(Lead.batch_id, func.count().label("leads")).group_by(Lead.batch_id).subquery("held")
    )
    refused = (
        select(ProblemRow.batch_id, func.count().label("rows"))
        .group_by(ProblemRow.batch_id)
        .subquery("refused")
    )
    total = func.coalesce(held.c.leads, 0) + func.coalesce(refused.c.rows, 0)
    wrong = db.session.execute(
        select(Batch.id, Batch.rows_done, total)
        .outerjoin(held, held.c.batch_id == Batch.id)
        .outerjoin(refused, refused.c.batch_id == Batch.id)
        .where(total != Batch.rows_done)
    )
    return [f"batch {row[0]} counts {row[1]} rows and holds {row[2]}" for row in wrong]


@invariant("leads.sealed_population")
def batches_with_wrong_population() -> list[str]:
    """A sealed batch holds as many sealed leads as its plan was made for."""
    sealed = (
        select(Lead.batch_id, func.count().label("n"))
        .where(*IN_FRAME)
        .group_by(Lead.batch_id)
        .subquery()
    )
    wrong = db.session.scalars(
        select(Batch.id)
        .outerjoin(sealed, sealed.c.batch_id == Batch.id)
        .where(Batch.sealed_at.is_not(None), func.coalesce(sealed.c.n, 0) != Batch.population)
    )
    return [f"batch {batch_id} has lost or gained a sealed lead" for batch_id in wrong]
