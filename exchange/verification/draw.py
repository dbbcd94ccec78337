"""The draw: which leads are checked, in an order that nobody chose and everybody can recompute.

The order of events is the security: the secret's hash is published, then the lot is uploaded, then
its root is published, then a witness gives the nonce, and only then does the seed exist. The order
is fixed once; a later wave walks further down it and needs no new randomness. Pure: the secret is
passed in.
"""

from __future__ import annotations

import hmac
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import heappush, heappushpop, nsmallest

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


@dataclass(frozen=True, slots=True)
class FirstDrawn:
    """0-based places in the order of the draw."""

    core: list[int]  # of the whole lot
    of_source: dict[int, list[int]]  # of each source that was asked for


def first_of_each(
    seed: bytes,
    leaves: Iterable[bytes],
    *,
    sources: Iterable[int],
    n: int,
    wanted: Mapping[int, int],
) -> FirstDrawn:
    """The first n drawn leaves and each source's own first ones, in one pass over the lot.

    `sources` names the source of every leaf, `wanted` how many of which source; other sources are
    drawn by the core alone. Both follow the one order of the seed, so a source's leaves in the core
    are the head of its own, and asking for more never changes what came before. Remembers n and the
    wanted tickets only. ValueError where leaves and sources differ in number.
    """
    core, own = _Smallest(n), {source: _Smallest(size) for source, size in wanted.items()}
    for key, source in zip(_keys(seed, leaves), sources, strict=True):
        core.offer(key)
        if source in own:
            own[source].offer(key)
    return FirstDrawn(core.places(), {source: kept.places() for source, kept in own.items()})


class _Smallest:
    """The smallest keys offered so far, at most `size` of them."""

    __slots__ = ("_largest_first", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._largest_first: list[int] = []  # a heap of negative keys

    def offer(self, key: int) -> None:
        if len(self._largest_first) < self._size:
            heappush(self._largest_first, -key)
        elif self._size > 0:
            heappushpop(self._largest_first, -key)

    def places(self) -> list[int]:
        return [-key & _INDEX_MASK for key in sorted(self._largest_first, reverse=True)]


def _keys(seed: bytes, leaves: Iterable[bytes]) -> Iterator[int]:
    """Ticket and place in one number: it sorts as the pair does, in half of the memory."""
    start = hmac.new(seed, digestmod="sha256")
    for index, leaf in enumerate(leaves):
        tickets = start.copy()
        tickets.update(leaf)
        yield int.from_bytes(tickets.digest()) << _INDEX_BITS | index
