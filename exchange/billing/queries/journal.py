"""The books as they were written: postings with their transfers, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Subquery, select
from sqlalchemy.orm import aliased

from exchange.billing.accounts import AccountRef
from exchange.billing.chain import JournalEntry, Leg
from exchange.billing.models import Account, Posting, Transfer
from exchange.billing.queries.slices import Slice
from exchange.core import ids
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.events import Ref
from exchange.core.money import Currency, Money

PREFIX = "pst"  # postings in URLs and JSON
ROWS_IN_MEMORY = 5_000

Source, Target = aliased(Account), aliased(Account)
LEGS = (
    Transfer.position.label("position_in_posting"),
    Transfer.amount,
    Source.kind.label("source_kind"),
    Source.currency.label("source_currency"),
    Source.organization_id.label("source_owner"),
    Target.kind.label("target_kind"),
    Target.currency.label("target_currency"),
    Target.organization_id.label("target_owner"),
)
POSTING = (
    Posting.id,
    Posting.key,
    Posting.reason,
    Posting.subject_kind,
    Posting.subject_id,
    Posting.occurred_at,
    Posting.created_at,
)


def posting_public_id(posting_id: UUID) -> str:
    """The id of a posting that people and programs outside see."""
    return ids.encode(PREFIX, posting_id)


def journal(
    *, cursor: str | None = None, limit: int = 25, subject: Ref | None = None
) -> Slice[JournalEntry]:
    """Postings of everybody, newest first: the operator's view of the books."""
    wanted = select(Posting.id)
    if cursor:
        wanted = wanted.where(Posting.id < _parse(cursor))
    if subject:
        wanted = wanted.where(
            Posting.subject_kind == subject.kind, Posting.subject_id == subject.id
        )
    page = wanted.order_by(Posting.id.desc()).limit(limit + 1).subquery()
    entries = list(entries_of(_rows(page)))[::-1]
    more = len(entries) > limit
    return Slice(entries[:limit], posting_public_id(entries[limit - 1].id) if more else None)


def get_entries(posting_ids: Iterable[UUID]) -> dict[UUID, JournalEntry]:
    """These postings, whole."""
    wanted = select(Posting.id).where(Posting.id.in_(list(posting_ids))).subquery()
    return {entry.id: entry for entry in entries_of(_rows(wanted))}


def whole_journal() -> Iterator[JournalEntry]:
    """Every posting, oldest first, without keeping them in memory."""
    wanted = select(Posting.id).subquery()
    statement = _statement(wanted).execution_options(yield_per=ROWS_IN_MEMORY)
    yield from entries_of(db.session.execute(statement))


def entries_of(rows: Iterable[Row[*tuple[Any, ...]]]) -> Iterator[JournalEntry]:
    """Rows of transfers, in the order of their postings, as postings."""
    for _, some in groupby(rows, key=lambda row: row.id):
        legs = list(some)
        yield read_entry(legs)


def read_entry(rows: list[Row[*tuple[Any, ...]]]) -> JournalEntry:
    """The posting behind the rows of its transfers; a row without a transfer is passed over."""
    first = rows[0]
    return JournalEntry(
        id=first.id,
        key=first.key,
        reason=first.reason,
        subject=Ref(first.subject_kind, first.subject_id),
        occurred_at=first.occurred_at,
        created_at=first.created_at,
        legs=tuple(_leg(row) for row in rows if row.amount is not None),
    )


def with_legs(
    statement: Select[*tuple[Any, ...]], posting_id: Any
) -> Select[*tuple[Any, ...]]:  # Any: a column
    """The statement with one row for each transfer of the posting, in order of position."""
    return (
        statement.add_columns(*LEGS)
        .outerjoin(Transfer, Transfer.posting_id == posting_id)
        .outerjoin(Source, Source.id == Transfer.source_id)
        .outerjoin(Target, Target.id == Transfer.target_id)
    )


def _rows(wanted: Subquery) -> Iterable[Row[*tuple[Any, ...]]]:
    return db.session.execute(_statement(wanted))


def _statement(wanted: Subquery) -> Select[*tuple[Any, ...]]:
    chosen = select(*POSTING).join(wanted, wanted.c.id == Posting.id)
    return with_legs(chosen, Posting.id).order_by(Posting.id, Transfer.position)


def _leg(row: Row[*tuple[Any, ...]]) -> Leg:
    source_currency = Currency(row.source_currency)
    return Leg(
        AccountRef(row.source_kind, source_currency, row.source_owner),
        AccountRef(row.target_kind, Currency(row.target_currency), row.target_owner),
        Money(row.amount, source_currency),
    )


def _parse(cursor: str) -> UUID:
    found = ids.decode(PREFIX, cursor)
    if found is None:
        raise NotFound
    return found
