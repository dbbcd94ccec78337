"""Set-based writing of what intake has prepared: fingerprints, COPY.

A person is in a vertical once: the fingerprint's primary key decides between any number of
uploads at the same moment, whichever of them commits first (decision 51).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Cursor
from sqlalchemy import delete, text

from exchange.core.crypto import INDEX_BYTES
from exchange.core.db import db
from exchange.leads import copying
from exchange.leads.models import Fingerprint

# One statement for a block, whatever its size; a fingerprint whose window is over is taken over.
# Hashes and ids travel as two strings of 16-byte pieces: an array of them costs more than the rest.
CLAIM: Final = text(
    """
    WITH wanted AS MATERIALIZED (
      SELECT substring(CAST(:hashes AS bytea) FROM 16 * i + 1 FOR 16) AS hash,
             CAST(encode(substring(CAST(:lead_ids AS bytea) FROM 16 * i + 1 FOR 16), 'hex') AS uuid)
               AS lead_id
        FROM generate_series(0, :count - 1) AS i
    ), won AS (
      INSERT INTO fingerprint AS held (vertical_id, hash, lead_id, since, until)
      SELECT :vertical_id, hash, lead_id, :now, :until FROM wanted ORDER BY hash
      ON CONFLICT (vertical_id, hash) DO UPDATE
         SET lead_id = excluded.lead_id, since = excluded.since, until = excluded.until
       WHERE held.until < :now
      RETURNING hash
    )
    SELECT hash FROM wanted EXCEPT SELECT hash FROM won
    """
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A lead that wants to be the one of its person in the vertical."""

    lead_id: bytes
    hashes: tuple[bytes, ...]


def claim_fingerprints(
    claims: Sequence[Claim], *, vertical_id: UUID, now: datetime, window: timedelta
) -> set[bytes]:
    """The ids of the leads that are beaten by others; the rest hold all their fingerprints now.

    Hashes must not repeat among the claims. Sorted by hash, so that two uploads of the same
    people wait for each other in one direction only.
    """
    wanted = [(value, claim.lead_id) for claim in claims for value in claim.hashes]
    if not wanted:
        return set()
    assert all(len(value) == INDEX_BYTES for value, _ in wanted)
    held = set(
        db.session.scalars(
            CLAIM,
            {
                "vertical_id": vertical_id,
                "hashes": b"".join(value for value, _ in wanted),
                "lead_ids": b"".join(lead_id for _, lead_id in wanted),
                "count": len(wanted),
                "now": now,
                "until": now + window,
            },
        )
    )
    beaten = [claim for claim in claims if not held.isdisjoint(claim.hashes)]
    _give_back(vertical_id, beaten, held)
    return {claim.lead_id for claim in beaten}


def copy(table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Write finished rows (see `copying`) inside the present transaction."""
    data = b"".join(rows)
    if not data:
        return
    cursor: Cursor[Any] = db.session.connection().connection.cursor()  # type: ignore[assignment]  # psycopg's own
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor, cursor.copy(statement) as stream:
        stream.write(copying.HEADER + data + copying.TRAILER)


def copy_values(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows of plain values; dicts and lists become JSON."""
    head = copying.head(len(columns))
    copy(table, columns, (head + copying.fields_of(*values) for values in rows))


def _give_back(vertical_id: UUID, beaten: Sequence[Claim], held: set[bytes]) -> None:
    """A lead that is a duplicate by one of its hashes must not hold the other."""
    won = [value for claim in beaten for value in claim.hashes if value not in held]
    if won:
        db.session.execute(
            delete(Fingerprint).where(
                Fingerprint.vertical_id == vertical_id,
                Fingerprint.hash.in_(won),
                Fingerprint.lead_id.in_([UUID(bytes=claim.lead_id) for claim in beaten]),
            )
        )
