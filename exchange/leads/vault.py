"""The vault: the only way to a contact. Opened for a purpose, on the record; `locking` locks it.

The keyed indexes let equal people meet without anybody being readable.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.crypto import WrappedKey, open_bytes
from exchange.core.db import db
from exchange.core.errors import Forbidden, Gone
from exchange.core.events import Ref
from exchange.core.keys import keyring
from exchange.identity.permissions import Permission
from exchange.leads.models import Contact

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


def _plain(contact: Contact) -> dict[str, str]:
    bound_to = contact.lead_id.bytes
    wrapped = WrappedKey(contact.key_version, contact.wrapped_key)
    secret = keyring().unwrap(wrapped, bound_to=bound_to)
    plain: dict[str, Any] = json.loads(open_bytes(secret, contact.locked, bound_to=bound_to))
    return plain
