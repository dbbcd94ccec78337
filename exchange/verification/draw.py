"""The draw: which leads are checked, in an order that nobody chose and everybody can recompute.

The order of events is the security: the secret's hash is published, then the lot is uploaded, then
its root is published, then a witness gives the nonce, and only then does the seed exist. The order
is fixed once; a later wave walks further down it and needs no new randomness. Pure: the secret is
passed in.
"""

from __future__ import annotations

import hmac
from array import array
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from heapq import nsmallest

SECRET_SIZE = 32  # bytes, of the secret and of every hash
_INDEX_BITS = 32
_INDEX_MASK = (1 << _INDEX_BITS) - 1


def commitment(secret: bytes) -> bytes:
    """SHA-256 of the secret: published before the upload. ValueError below 32 bytes."""
    if len(secret) < SECRET_SIZE:
        raise ValueError(f"a secret that cannot be guessed has at least {SECRET_SIZE} bytes")
    return sha256(secret).digest()


def seed(secret: bytes, *, root: bytes, nonce: str, beacon: str) -> bytes:
    """HMAC-SHA-256(secret, root | SHA-256(nonce) | SHA-256(beacon)), the texts in UTF-8.

    A nonce that nobody gave, and a beacon that is not used, are the empty text; the public record
    says so. ValueError for a root that is not 32 bytes.
    """
    if len(root) != SECRET_SIZE:
        raise ValueError(f"a root has {SECRET_SIZE} bytes, not {len(root)}")
    parts = (root, sha256(nonce.encode()).digest(), sha256(beacon.encode()).digest())
    return hmac.digest(secret, b"".join(parts), "sha256")


def ticket(seed: bytes, leaf: bytes) -> bytes:
    """HMAC-SHA-256(seed, leaf): the lot is drawn in ascending order of these."""
    return hmac.digest(seed, leaf, "sha256")


def first(seed: bytes, leaves: Iterable[bytes], *, n: int) -> list[int]:
    """The 0-based places of the first n drawn leaves, remembering n tickets only.

    Equal tickets (equal leaves) are drawn in the order of the leaves. The first m of n are the
    first m; a lot with fewer than n leaves is drawn wholly.
    """
    return [key & _INDEX_MASK for key in nsmallest(n, _keys(seed, leaves))]


def full_order(seed: bytes, leaves: Iterable[bytes]) -> Sequence[int]:
    """The 0-based places of all leaves as they are drawn; about 80 bytes a leaf while it sorts."""
    keys = sorted(_keys(seed, leaves))
    return array("L", (key & _INDEX_MASK for key in keys))


def _keys(seed: bytes, leaves: Iterable[bytes]) -> Iterator[int]:
    """Ticket and place in one number: it sorts as the pair does, in half of the memory."""
    start = hmac.new(seed, digestmod="sha256")
    for index, leaf in enumerate(leaves):
        tickets = start.copy()
        tickets.update(leaf)
        yield int.from_bytes(tickets.digest()) << _INDEX_BITS | index
