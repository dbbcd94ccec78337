"""Verb of digests: whoever comes in or is listed is found by the SHA-256 of a phone or e-mail, too.

Written beside fingerprints and entries of lists, never read back into a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text

from exchange.core.db import db
from exchange.core.keys import keyring
from exchange.leads.digests import PAIR_BYTES, pair
from exchange.leads.fingerprints import IdentityKey

# As in `rows.CLAIM`: one string of pieces, in one order, so that two uploads of the same people
# wait for each other in one direction only.
NOTE: Final = text(
    """
    INSERT INTO person_digest (digest, hash)
    SELECT substring(CAST(:pairs AS bytea) FROM 32 * i + 1 FOR 16) AS digest,
           substring(CAST(:pairs AS bytea) FROM 32 * i + 17 FOR 16)
      FROM generate_series(0, :count - 1) AS i
     ORDER BY digest
    ON CONFLICT (digest) DO NOTHING
    """
)


def note_people(keys: Iterable[IdentityKey]) -> None:
    """Let these people be found by their SHA-256; who is found already stays."""
    ring = keyring()
    note_pairs(b"".join(pair(key, ring=ring) for key in keys))


def note_pairs(pairs: bytes) -> None:
    """The same of pairs that were made before (see `digests.pair`), joined into one string."""
    if pairs:
        db.session.execute(NOTE, {"pairs": pairs, "count": len(pairs) // PAIR_BYTES})
