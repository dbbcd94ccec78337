"""Set-based writing of what intake has checked: staging, fingerprints, COPY.

A person is in a vertical once: the fingerprint's primary key decides between any number of
uploads at the same moment, whichever of them commits first (decision 51).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Cursor
from psycopg.types.json import Jsonb
from sqlalchemy import delete, text

from exchange.core.db import db
from exchange.leads.models import Fingerprint

# One statement for a chunk, whatever its size; a fingerprint whose window is over is taken over.
CLAIM: Final = text(
    """
    INSERT INTO fingerprint AS held (vertical_id, hash, lead_id, since, until)
    SELECT :vertical_id, hash, lead_id, :now, :until
      FROM unnest(CAST(:hashes AS bytea[]), CAST(:lead_ids AS uuid[])) AS wanted (hash, lead_id)
     ORDER BY hash
    ON CONFLICT (vertical_id, hash) DO UPDATE
       SET lead_id = excluded.lead_id, since = excluded.since, until = excluded.until
     WHERE held.until < :now
    RETURNING hash
    """
)
Values = Sequence[Any]  # Any: one row of a table, in the order of its columns


@dataclass(frozen=True, slots=True)
class Claim:
    """A lead that wants to be the one of its person in the vertical."""

    lead_id: UUID
    hashes: tuple[bytes, ...]


def claim_fingerprints(
    claims: Sequence[Claim], *, vertical_id: UUID, now: datetime, window: timedelta
) -> set[UUID]:
    """The leads that hold all their fingerprints from now on; the others hold none.

    Hashes must not repeat among the claims. Sorted by hash, so that two uploads of the same
    people wait for each other in one direction only.
    """
    wanted = sorted((value, claim.lead_id) for claim in claims for value in claim.hashes)
    if not wanted:
        return {claim.lead_id for claim in claims}
    won = set(
        db.session.scalars(
            CLAIM,
            {
                "vertical_id": vertical_id,
                "hashes": [value for value, _ in wanted],
                "lead_ids": [lead_id for _, lead_id in wanted],
                "now": now,
                "until": now + window,
            },
        )
    )
    losers = {claim.lead_id for claim in claims if not won.issuperset(claim.hashes)}
    _give_back(vertical_id, losers, won)
    return {claim.lead_id for claim in claims} - losers


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
    """Write rows by COPY inside the present transaction; dicts and lists become JSON."""
    cursor: Cursor[Any] = db.session.connection().connection.cursor()  # type: ignore[assignment]  # psycopg's own
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_plain(value) for value in row])
    cursor.close()


def _give_back(vertical_id: UUID, losers: set[UUID], won: set[bytes]) -> None:
    """A lead that is a duplicate by one of its hashes must not hold the other."""
    if losers and won:
        db.session.execute(
            delete(Fingerprint).where(
                Fingerprint.vertical_id == vertical_id,
                Fingerprint.hash.in_(won),
                Fingerprint.lead_id.in_(losers),
            )
        )


def _plain(value: Any) -> Any:  # Any: as the columns of the table have it
    return Jsonb(value) if isinstance(value, (dict, list, Mapping)) else value
