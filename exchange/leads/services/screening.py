"""Who of the checked rows may come in at all, and by which hashes a repeat of them is found.

Suppression looks at every identity of a person; duplicates at those that the vertical names.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.catalog.policies import DuplicatePolicy
from exchange.leads import people
from exchange.leads.checking import CheckedRow
from exchange.leads.fingerprints import IdentityKey, duplicate_keys
from exchange.leads.vault import blind_index


def identity_hashes(row: CheckedRow) -> tuple[bytes, ...]:
    """Every keyed hash of the person, for lists of people."""
    return _hashes(row.identities)


def suppressed_rows(rows: Sequence[CheckedRow], *, seller_id: UUID) -> set[int]:
    """The numbers of the rows whose person the exchange or this seller must not offer."""
    hashes = {row.number: _hashes(row.identities) for row in rows}
    banned = people.suppressed_hashes(
        {value for mine in hashes.values() for value in mine}, seller_id=seller_id
    )
    return {number for number, mine in hashes.items() if not banned.isdisjoint(mine)}


def duplicate_hashes(row: CheckedRow, policy: DuplicatePolicy) -> tuple[bytes, ...]:
    """The fingerprints that the row needs for itself in its vertical."""
    return _hashes(duplicate_keys(row.identities, policy))


def _hashes(keys: Sequence[IdentityKey]) -> tuple[bytes, ...]:
    found = (blind_index(key.kind, key.value) for key in keys)
    return tuple(value for value in found if value)
