"""The vault: the only way to a contact. Locked as it is read, opened for a purpose, on the record.

Each contact has a key of its own under the versioned master key; destroying the key erases the
person. The keyed indexes let equal people meet without anybody being readable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.crypto import WrappedKey, keyring, new_key, open_bytes, seal_bytes
from exchange.core.db import db
from exchange.core.errors import Forbidden, Gone
from exchange.core.events import Ref
from exchange.identity.permissions import Permission
from exchange.leads.models import Contact
from exchange.leads.seal import SALT_SIZE

People = dict[UUID, dict[str, str]]


class Purpose(StrEnum):
    """Why a contact is opened; it is written down with who and when."""

    CHECK = "check"  # a verifier calls
    READ = "read"  # the buyer who paid looks at it
    EXPORT = "export"  # the buyer who paid takes it along
    PROOF = "proof"  # the operator proves a drawn row against its leaf


PERMISSIONS: Final = {
    Purpose.CHECK: Permission.TASK_WORK,
    Purpose.READ: Permission.CONTACT_OPEN,
    Purpose.EXPORT: Permission.CONTACT_EXPORT,
    Purpose.PROOF: Permission.BATCH_REVIEW,
}


@dataclass(frozen=True, slots=True)
class Locked:
    """A locked contact, ready to be stored."""

    key_version: int
    wrapped_key: bytes
    locked: bytes
    salt: bytes
    phone_index: bytes | None
    email_index: bytes | None


def lock(lead_id: UUID, contact: Mapping[str, str], *, keys: Mapping[str, str]) -> Locked:
    """Lock a contact under a new key; `keys` are its normal forms by kind (phone, email)."""
    ring, secret = keyring(), new_key()
    wrapped = ring.wrap(secret, bound_to=lead_id.bytes)
    plain = json.dumps(contact, ensure_ascii=False, separators=(",", ":")).encode()
    return Locked(
        wrapped.version,
        wrapped.wrapped,
        seal_bytes(secret, plain, bound_to=lead_id.bytes),
        os.urandom(SALT_SIZE),
        blind_index("phone", keys.get("phone")),
        blind_index("email", keys.get("email")),
    )


def blind_index(kind: str, normal: str | None) -> bytes | None:
    """The keyed hash under which a normalised phone or e-mail meets its equals."""
    return keyring().blind_index(kind, normal) if normal else None


def open_contacts(lead_ids: Sequence[UUID], *, purpose: Purpose, actor: Actor) -> People:
    """Open contacts and record each opening, in the order asked for.

    Raises Forbidden without the permission of the purpose and Gone for a person who was erased.
    """
    if not actor.may(PERMISSIONS[purpose]):
        raise Forbidden("You may not open contacts for this purpose.")
    statement = select(Contact).where(Contact.lead_id.in_(lead_ids))
    found = {contact.lead_id: contact for contact in db.session.scalars(statement)}
    if len(found) != len(set(lead_ids)):
        raise Gone("This contact was erased at the person's request.", code="contact_erased")
    events.record_all(
        "contact.opened",
        subjects=[Ref("lead", lead_id) for lead_id in lead_ids],
        actor=actor,
        purpose=purpose,
    )
    return {lead_id: _plain(found[lead_id]) for lead_id in lead_ids}


def lock_cells(secret: bytes, cells: Sequence[str], *, batch_id: UUID, row: int) -> bytes:
    """Lock a problem row's cells under the key of its file: it is gone when the file is."""
    plain = json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return seal_bytes(secret, plain, bound_to=f"{batch_id}/{row}".encode())


def open_cells(secret: bytes, locked: bytes, *, batch_id: UUID, row: int) -> list[str]:
    """The cells of a problem row, for the seller who sent them."""
    plain = open_bytes(secret, locked, bound_to=f"{batch_id}/{row}".encode())
    cells: list[str] = json.loads(plain.decode("utf-8", "surrogatepass"))
    return cells


def _plain(contact: Contact) -> dict[str, str]:
    bound_to = contact.lead_id.bytes
    wrapped = WrappedKey(contact.key_version, contact.wrapped_key)
    secret = keyring().unwrap(wrapped, bound_to=bound_to)
    plain: dict[str, Any] = json.loads(open_bytes(secret, contact.locked, bound_to=bound_to))
    return plain
