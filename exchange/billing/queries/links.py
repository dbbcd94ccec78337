"""The hash chain, read: its head, an organization's own links, and whether all of it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Row, Select, cast, func, literal, select
from sqlalchemy.orm import aliased

from exchange.billing import chain
from exchange.billing.models import ChainLink, ChainTail, Posting
from exchange.billing.queries.journal import (
    POSTING,
    ROWS_IN_MEMORY,
    get_entries,
    read_entry,
    with_legs,
)
from exchange.billing.queries.slices import Slice
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import NotFound

# A sealer runs every second: a posting that waits longer than this is a fault.
UNSEALED_SECONDS: Final = 60
FAULTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link, or a former one: whoever wrote it down can hold us to it."""

    seq: int
    hash: bytes
    sealed_at: datetime | None  # None before the first link


@dataclass(frozen=True, slots=True)
class OwnLink:
    """A link of an organization, with all that is needed to compute its hash again."""

    seq: int
    previous: bytes
    hash: bytes
    sealed_at: datetime
    document: dict[str, Any]  # Any: JSON values; see `chain.document`


@dataclass(slots=True)
class ChainReport:
    """What verification found: no faults means that the books are as they were written."""

    links: int = 0
    head: bytes = chain.GENESIS
    waiting: int = 0  # postings that are not sealed yet; the sealer runs every second
    faults: list[str] = field(default_factory=list)

    def blame(self, sentence: str) -> None:
        """Add a fault; beyond the first hundred only their number would matter."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(sentence)


def head(seq: int | None = None) -> Head:
    """The newest link, or the one of this number. Raises NotFound for a number not reached yet."""
    wanted = select(ChainLink.seq, ChainLink.hash, ChainLink.sealed_at)
    wanted = wanted.order_by(ChainLink.seq.desc()).limit(1)
    if seq is not None:
        wanted = wanted.where(ChainLink.seq == seq)
    row = db.session.execute(wanted).one_or_none()
    if row is None and seq:
        raise NotFound("The chain has no link of this number.")
    return Head(0, chain.GENESIS, None) if row is None else Head(row.seq, row.hash, row.sealed_at)


def proof(organization_id: UUID, *, cursor: str | None = None, limit: int = 25) -> Slice[OwnLink]:
    """The links of an organization, newest first, each naming the one before it.

    Raises NotFound for a cursor that is not one of the organization's links.
    """
    me = str(organization_id)
    start = _parse(cursor, me) if cursor else _newest(organization_id)
    rows = list(db.session.execute(_walk(me, start, limit + 1))) if start else []
    entries = get_entries(row.posting_id for row in rows[:limit])
    links = [
        OwnLink(
            seq=row.seq,
            previous=row.previous or chain.GENESIS,
            hash=row.hash,
            sealed_at=row.sealed_at,
            document=chain.document(
                entries[row.posting_id], seq=row.seq, organizations=row.organizations
            ),
        )
        for row in rows[:limit]
    ]
    return Slice(links, str(rows[limit].seq) if len(rows) > limit else None)


def _walk(me: str, start: int, steps: int) -> Select[*tuple[Any, ...]]:
    """From link to link backwards: each says where the organization's one before it is."""
    walk = (
        select(ChainLink, literal(1).label("step"))
        .where(ChainLink.seq == start)
        .cte("walk", recursive=True)
    )
    before = walk.c.organizations[me].as_integer()
    walk = walk.union_all(
        select(ChainLink, walk.c.step + 1)
        .join(walk, ChainLink.seq == cast(before, BigInteger))
        .where(walk.c.step < steps)
    )
    previous = aliased(ChainLink)
    return (
        select(walk, previous.hash.label("previous"))
        .outerjoin(previous, previous.seq == walk.c.seq - 1)
        .order_by(walk.c.seq.desc())
    )


def _newest(organization_id: UUID) -> int:
    tail = select(ChainTail.seq).where(ChainTail.organization_id == organization_id)
    return db.session.scalar(tail) or 0


def _parse(cursor: str, me: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise NotFound
    link = db.session.get(ChainLink, int(cursor))
    if link is None or me not in link.organizations:
        raise NotFound
    return link.seq


def verify_chain() -> ChainReport:
    """Compute every link again from genesis to head and say what is not as it was written.

    Found are altered, missing and added postings, transfers and links, owners' lists that skip
    one of their links, and postings that wait for their seal longer than a minute.
    """
    report = ChainReport()
    tails: dict[str, int] = {}
    for rows in _linked():
        _check_link(rows, report, tails)
    _check_unsealed(report)
    return report


def _check_link(
    rows: list[Row[*tuple[Any, ...]]], report: ChainReport, tails: dict[str, int]
) -> None:
    link = rows[0]
    if link.seq != report.links + 1:
        report.blame(f"link {report.links + 1} is missing")
    report.links = link.seq
    if link.id is None:
        report.blame(f"link {link.seq}: its posting is missing")
    else:
        entry = read_entry(rows)
        touched = {str(owner): tails.get(str(owner), 0) for owner in sorted(entry.organizations)}
        if touched != link.organizations:
            report.blame(f"link {link.seq}: the links before it are not those it names")
        said = chain.document(entry, seq=link.seq, organizations=link.organizations)
        if chain.link_hash(report.head, said) != link.hash:
            report.blame(f"link {link.seq}: posting {entry.id} or the link was altered")
    tails.update(dict.fromkeys(link.organizations, link.seq))
    # Go on from what is stored: one altered posting is one fault, not one for all that follow.
    report.head = link.hash


def _linked() -> Iterator[list[Row[*tuple[Any, ...]]]]:
    """The rows of each link's posting, in the order of the chain."""
    chosen = select(ChainLink.seq, ChainLink.hash, ChainLink.organizations, *POSTING)
    chosen = chosen.select_from(ChainLink)
    chosen = chosen.outerjoin(Posting, Posting.id == ChainLink.posting_id)
    statement = with_legs(chosen, Posting.id)
    statement = statement.order_by(ChainLink.seq, "position_in_posting")
    rows = db.session.execute(statement.execution_options(yield_per=ROWS_IN_MEMORY))
    for _, some in groupby(rows, key=lambda row: row.seq):
        yield list(some)


def _check_unsealed(report: ChainReport) -> None:
    unsealed = ~select(ChainLink.seq).where(ChainLink.posting_id == Posting.id).exists()
    late = clock.now() - timedelta(seconds=UNSEALED_SECONDS)
    row = db.session.execute(
        select(
            func.count().label("waiting"),
            func.count().filter(Posting.created_at < late).label("late"),
            func.min(Posting.created_at).label("since"),
        ).where(unsealed)
    ).one()
    report.waiting = row.waiting
    if row.late:
        report.blame(f"{row.late} postings wait for their seal, the oldest since {row.since}")
