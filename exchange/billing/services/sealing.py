"""The sealer: lays committed postings onto the hash chain, in the order it finds them.

It runs alone and after the commit, so that no purchase ever waits for the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange.billing import chain
from exchange.billing.chain import JournalEntry
from exchange.billing.models import ChainLink, ChainTail, Posting
from exchange.billing.queries import get_entries
from exchange.core import clock
from exchange.core.db import db

SEALER_LOCK: Final = 7_015_503
LINKS_PER_STEP: Final = 5_000
# No unit of work lasts longer, so that what was written earlier than this before the newest link
# has been found already; a full search follows once an hour all the same.
LOOK_BACK_MILLIS: Final = 3_600_000


def seal_pending(*, everywhere: bool = False) -> int:
    """Lay links for postings that have none, up to a step's worth; returns how many.

    Looks near the newest link, or in the whole journal when asked to. Does nothing while another
    sealer is at work.
    """
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(SEALER_LOCK))):
        return 0
    newest = db.session.execute(
        select(ChainLink.seq, ChainLink.hash, ChainLink.posting_id)
        .order_by(ChainLink.seq.desc())
        .limit(1)
    ).one_or_none()
    since = None if newest is None or everywhere else _look_back(newest.posting_id)
    found = _unsealed(since)
    if not found:
        return 0
    seq, previous = (0, chain.GENESIS) if newest is None else (newest.seq, newest.hash)
    _lay(found, seq=seq, previous=previous)
    return len(found)


def _look_back(posting_id: UUID) -> UUID:
    """The least id of a posting made up to an hour before this one (RFC 9562, section 5.7)."""
    millis = posting_id.int >> 80
    return UUID(int=max(millis - LOOK_BACK_MILLIS, 0) << 80)


def _unsealed(since: UUID | None) -> list[JournalEntry]:
    sealed = select(ChainLink.seq).where(ChainLink.posting_id == Posting.id).exists()
    wanted = select(Posting.id).where(~sealed).order_by(Posting.id).limit(LINKS_PER_STEP)
    if since is not None:
        wanted = wanted.where(Posting.id >= since)
    entries = get_entries(db.session.scalars(wanted).all())
    return sorted(entries.values(), key=lambda entry: entry.id)


def _lay(entries: Sequence[JournalEntry], *, seq: int, previous: bytes) -> None:
    tails = _tails({owner for entry in entries for owner in entry.organizations})
    now, rows = clock.now(), []
    for entry in entries:
        seq += 1
        owners = sorted(entry.organizations)
        organizations = {str(owner): tails.get(owner, 0) for owner in owners}
        document = chain.document(entry, seq=seq, organizations=organizations)
        previous = chain.link_hash(previous, document)
        rows.append(_row(entry, document, previous) | {"sealed_at": now})
        tails.update(dict.fromkeys(owners, seq))
    db.session.connection().execute(insert(ChainLink), rows)
    _keep(tails)


def _row(entry: JournalEntry, document: dict[str, Any], link_hash: bytes) -> dict[str, Any]:
    # Any: values of columns
    return {
        "seq": document["seq"],
        "posting_id": entry.id,
        "hash": link_hash,
        "organizations": document["organizations"],
    }


def _tails(owners: set[UUID]) -> dict[UUID, int]:
    rows = db.session.execute(
        select(ChainTail.organization_id, ChainTail.seq).where(
            ChainTail.organization_id.in_(owners)
        )
    )
    return {row.organization_id: row.seq for row in rows}


def _keep(tails: dict[UUID, int]) -> None:
    if not tails:
        return
    statement = upsert(ChainTail).values(
        [{"organization_id": owner, "seq": seq} for owner, seq in tails.items()]
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id"], set_={"seq": statement.excluded.seq}
        )
    )
