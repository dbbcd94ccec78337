"""How contacts and refused rows are locked. Pure, so that processes without an application can.

Each contact has a key of its own under the versioned master key; destroying the key erases the
person. A refused row is locked under the key of its file and is gone when that is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from exchange.core.crypto import KEY_BYTES, Keyring, Random, open_bytes, seal_bytes
from exchange.leads.seal import SALT_SIZE


@dataclass(frozen=True, slots=True)
class Locked:
    """A locked contact, ready to be stored."""

    key_version: int
    wrapped_key: bytes
    locked: bytes
    salt: bytes


def lock(
    contact: Mapping[str, str], *, lead_id: bytes, ring: Keyring, random: Random = os.urandom
) -> Locked:
    """Lock a contact under a new key of its own, bound to the 16 bytes of its lead's id."""
    secret = random(KEY_BYTES)
    wrapped = ring.wrap(secret, bound_to=lead_id, random=random)
    sealed = seal_bytes(secret, orjson.dumps(contact), bound_to=lead_id, random=random)
    return Locked(wrapped.version, wrapped.wrapped, sealed, random(SALT_SIZE))


def lock_cells(secret: bytes, cells: Sequence[str], *, batch_id: UUID, row: int) -> bytes:
    """Lock a problem row's cells under the key of its file."""
    plain = json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return seal_bytes(secret, plain, bound_to=f"{batch_id}/{row}".encode())


def open_cells(secret: bytes, locked: bytes, *, batch_id: UUID, row: int) -> list[str]:
    """The cells of a problem row, for the seller who sent them."""
    plain = open_bytes(secret, locked, bound_to=f"{batch_id}/{row}".encode())
    cells: list[str] = json.loads(plain.decode("utf-8", "surrogatepass"))
    return cells
