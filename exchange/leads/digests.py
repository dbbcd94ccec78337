"""People by the SHA-256 of their phone or e-mail: keyed hashes that meet those of the people.

Who pings sends a SHA-256 and no contact. A plain SHA-256 of a phone is as good as the phone, since
all phones can be tried; so of it, too, only a keyed hash is kept, beside the one of the person.
Pure.
"""

from __future__ import annotations

from typing import Final

from exchange.core.crypto import INDEX_BYTES, Keyring
from exchange.leads.fingerprints import IdentityKey, digested

PAIR_BYTES: Final = 2 * INDEX_BYTES


def pair(key: IdentityKey, *, ring: Keyring, known: bytes | None = None) -> bytes:
    """The keyed hash of the identity's SHA-256, then that of the identity (`known` where made)."""
    by_digest = digested(key)
    return ring.blind_index(by_digest.kind, by_digest.value) + (
        known or ring.blind_index(key.kind, key.value)
    )
