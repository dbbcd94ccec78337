"""Identifiers: version-7 UUIDs in the database, a prefix and 26 characters outside.

RFC 9562 section 5.7 for the layout; Crockford's base32 for the text.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from struct import Struct
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_HALVES = Struct(">HQ")
_PARTS = Struct(">QQ")
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def uuid7() -> UUID:
    """A new identifier that sorts by the millisecond of its making.

    It reads the machine's own clock: order inside an index is all that hangs on it, no deadline.
    """
    return UUID(bytes=uuid7_bytes())


def uuid7_beside(other: UUID) -> UUID:
    """A new identifier of the same millisecond as another: the two tell nothing apart."""
    millis = other.int >> 80 << 80
    return UUID(int=millis | uuid7().int & (1 << 80) - 1)


def uuid7_bytes(random: Callable[[int], bytes] = os.urandom) -> bytes:
    """The 16 bytes of a new identifier, where many are made at once."""
    millis = time.time_ns() // 1_000_000 & (1 << 48) - 1
    # The version and the variant stand in the highest bits of the random halves.
    high, low = _HALVES.unpack(random(10))
    return _PARTS.pack(millis << 16 | 0x7000 | high & 0x0FFF, 1 << 63 | low & (1 << 62) - 1)


def encode(prefix: str, value: UUID) -> str:
    """`ord` and a UUID to `ord_` and 26 characters."""
    number = value.int
    pairs = [_PAIRS[number >> shift & 1023] for shift in range(10 * (LENGTH // 2 - 1), -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


def decode(prefix: str, text: str) -> UUID | None:
    """The UUID behind a public id, or None when it is not one of this kind."""
    head, _, tail = text.rpartition("_")
    if head != prefix or len(tail) != LENGTH:
        return None
    number = 0
    for letter in tail.upper():
        if letter not in _VALUES:
            return None
        number = number * 32 + _VALUES[letter]
    return UUID(int=number) if number < 1 << 128 else None
