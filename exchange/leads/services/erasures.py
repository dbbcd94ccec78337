"""Verbs of erasure: a person is destroyed with their keys, in every lot, sold or not.

The leaf of a lead stays under its root, so that what was published still verifies: without the
salt, which goes with the contact, it says nothing of anybody. Uploaded files in which the person
came are destroyed with their own keys.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, delete, literal, or_, select, update

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Invalid, NotFound
from exchange.core.ids import encode
from exchange.core.states import transition_all
from exchange.leads import people
from exchange.leads.models import Batch, BatchStatus, Contact, Fingerprint, Import, Lead, LeadStatus
from exchange.leads.post_models import Post
from exchange.leads.rights import Erasure
from exchange.leads.services import files, suppression
from exchange.leads.services.revocations import note_hashes

# Of these the file is still being read; it is destroyed by the sweep once they are through.
BEING_READ: Final = (BatchStatus.DRAFT, BatchStatus.VALIDATING)


def erase(
    *,
    person: str | None = None,
    lead_id: UUID | None = None,
    region: str = "",
    origin: str = "request",
    actor: Actor,
) -> Erasure:
    """Erase whoever a phone, an e-mail or a lead belongs to, everywhere, and suppress them.

    Somebody whom nobody knows is suppressed all the same. Raises Invalid where the person cannot
    be read, NotFound for a lead that has no person any more.
    """
    known = _known(person, lead_id=lead_id, region=region)
    hashes = sorted({*known, *people.hashes_of(people.leads_of_people(known))})
    suppression.enter(hashes, origin="erasure")
    made = save(
        Erasure(
            origin=origin,
            hashes=hashes,
            lead_ids=[],
            contacts=0,
            fingerprints=0,
            files=0,
            files_pending=0,
        )
    )
    _destroy(made, actor=actor)
    events.record(
        "person.erased", subject=made, actor=actor, origin=origin, leads=len(made.lead_ids)
    )
    return made


def look_again(*, erasure_id: UUID) -> None:
    """Destroy what came in at the very moment of the erasure; safe to repeat."""
    found = lock(Erasure, erasure_id)
    before = len(found.lead_ids)
    _destroy(found, actor=SYSTEM)
    found.checked_at = clock.after_lock()
    if len(found.lead_ids) > before:
        events.record("person.erased", subject=found, actor=SYSTEM, leads=len(found.lead_ids))


def _known(person: str | None, *, lead_id: UUID | None, region: str) -> Collection[bytes]:
    if (person is None) == (lead_id is None):
        raise Invalid("Name either a lead or a phone or e-mail.")
    if person is not None:
        return note_hashes(person, region=region)
    assert lead_id is not None
    hashes = people.hashes_of([get(Lead, lead_id).id])
    if not hashes:
        raise NotFound("This lead has no person any more.")
    return hashes


def _destroy(erasure: Erasure, *, actor: Actor) -> None:
    lead_ids = _lock_leads(people.leads_of_people(erasure.hashes))
    batch_ids = _batches_of(lead_ids)
    erasure.contacts += _delete_contacts(lead_ids)
    erasure.fingerprints += _delete_fingerprints(lead_ids, erasure.hashes)
    _blank(lead_ids)
    for batch_id in batch_ids:
        _purge(get(Batch, batch_id), lead_ids, actor=actor)
    destroyed, pending = _destroy_files(batch_ids)
    erasure.files += destroyed
    erasure.files_pending = pending
    erasure.lead_ids = [*erasure.lead_ids, *(encode(Lead.PREFIX, one) for one in lead_ids)]
    db.session.flush()


def _lock_leads(lead_ids: Sequence[UUID]) -> list[UUID]:
    statement = select(Lead.id).where(_in(lead_ids)).order_by(Lead.id)
    return list(db.session.scalars(statement.with_for_update(key_share=True)))


def _in(lead_ids: Collection[UUID]) -> ColumnElement[bool]:
    return Lead.id == any_(literal(list(lead_ids), ARRAY(Uuid)))


def _batches_of(lead_ids: Sequence[UUID]) -> Sequence[UUID]:
    statement = select(Lead.batch_id).where(Lead.id.in_(lead_ids)).distinct()
    return sorted(db.session.scalars(statement))


def _delete_contacts(lead_ids: Sequence[UUID]) -> int:
    """The wrapped keys and what they lock, in one row each."""
    gone = delete(Contact).where(Contact.lead_id.in_(lead_ids)).returning(Contact.lead_id)
    return len(db.session.scalars(gone).all())


def _delete_fingerprints(lead_ids: Sequence[UUID], hashes: Collection[bytes]) -> int:
    """Whoever is suppressed is refused before a repeat of them could be looked for."""
    mine = or_(Fingerprint.lead_id.in_(lead_ids), Fingerprint.hash.in_(people.any_of(hashes)))
    gone = delete(Fingerprint).where(mine).returning(Fingerprint.hash)
    return len(db.session.scalars(gone).all())


def _blank(lead_ids: Sequence[UUID]) -> None:
    """What the person said and where they came from goes too; when they asked stays."""
    empty = {
        "attributes": {},
        "preview": {},
        "postal_code": "",
        "landing_url": "",
        "sub_source": "",
    }
    db.session.execute(update(Lead).where(Lead.id.in_(lead_ids)).values(empty))
    # Any: columns of several types.
    unknown: dict[str, Any] = {"origin": {}, "address_index": None, "agent_index": None}
    db.session.execute(update(Post).where(Post.lead_id.in_(lead_ids)).values(unknown))


def _purge(batch: Batch, lead_ids: Sequence[UUID], *, actor: Actor) -> None:
    transition_all(
        Lead,
        where=[Lead.batch_id == batch.id, Lead.id.in_(lead_ids)],
        to=LeadStatus.PURGED,
        parent=batch,
        actor=actor,
    )


def _destroy_files(batch_ids: Sequence[UUID]) -> tuple[int, int]:
    """How many files were destroyed, and how many must wait until their rows are taken in."""
    rows = db.session.execute(
        select(Batch.import_id, Batch.status)
        .join(Import, Import.id == Batch.import_id)
        .where(Batch.id.in_(batch_ids), Import.file_key.is_not(None))
        .order_by(Batch.import_id)
    ).all()
    ready = [row.import_id for row in rows if row.status not in BEING_READ]
    for import_id in ready:
        files.destroy(lock(Import, import_id))
    return len(ready), len(rows) - len(ready)
