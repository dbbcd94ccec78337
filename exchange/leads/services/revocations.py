"""Verbs of withdrawals: somebody takes their consent back, and it holds at once.

The answer is the same whether the person is known or not, and takes the same work: what follows
for leads and their holders is done by a job.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, lock, save
from exchange.core.errors import Forbidden
from exchange.core.jobs import enqueue
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads import people
from exchange.leads.fingerprints import IdentityKey
from exchange.leads.person_lines import read_person
from exchange.leads.rights import Revocation, RevocationVia
from exchange.leads.services import digests, suppression
from exchange.leads.services.person_lists import unreadable
from exchange.leads.vault import blind_index


def revoke(
    *,
    person: str,
    region: str,
    via: RevocationVia,
    organization_id: UUID | None = None,
    actor: Actor,
) -> Revocation:
    """Suppress whoever this phone or e-mail belongs to for everybody, and give a receipt.

    `organization_id` is who passes it on: somebody whom we know, because nobody is asked whether
    they meant it. Raises Forbidden for others, Invalid where neither can be read.
    """
    _require_known(organization_id)
    hashes = note_hashes(person, region=region)
    made = save(Revocation(organization_id=organization_id, via=via, hashes=hashes))
    suppression.enter(hashes, origin="revocation")
    events.record("consent.revoked", subject=made, actor=actor, via=via)
    enqueue("leads.apply_revocation", made.id)
    return made


def _require_known(organization_id: UUID | None) -> None:
    """Whoever was approved once passes withdrawals on, also while suspended."""
    if organization_id is None:
        return
    if get(Organization, organization_id).status is OrganizationStatus.PENDING:
        text = "Your organization is pending. It can pass withdrawals on once it is approved."
        raise Forbidden(text, code="not_approved")


def require_hashes(person: str, *, region: str) -> list[bytes]:
    """The keyed hashes of a line with phones and e-mails. Raises Invalid, repeating nothing."""
    return _hashed(_require_keys(person, region=region))


def note_hashes(person: str, *, region: str) -> list[bytes]:
    """The same of somebody who is listed by them: found by a SHA-256 as well from now on."""
    keys = _require_keys(person, region=region)
    digests.note_people(sorted(keys))
    return _hashed(keys)


def _require_keys(person: str, *, region: str) -> set[IdentityKey]:
    keys = read_person(person, region=region)
    if not keys:
        raise unreadable("/person")
    return keys


def _hashed(keys: Iterable[IdentityKey]) -> list[bytes]:
    return sorted(value for key in keys if (value := blind_index(key.kind, key.value)))


def apply_revocation(*, revocation_id: UUID) -> None:
    """Take the person's leads off sale and let their holders know; safe to repeat.

    A person found by a phone is suppressed by the e-mails of the same leads as well, and the other
    way round.
    """
    found = lock(Revocation, revocation_id)
    hashes = {*found.hashes, *people.hashes_of(people.leads_of_people(found.hashes))}
    suppression.enter(hashes, origin="revocation")
    lead_ids = people.leads_of_people(hashes)
    moved = suppression.take_off_sale(lead_ids, actor=SYSTEM)
    is_first = found.applied_at is None
    found.leads += moved
    found.applied_at = clock.after_lock()
    if is_first and lead_ids:
        ids = [str(lead_id) for lead_id in lead_ids]
        events.record("revocation.applied", subject=found, actor=SYSTEM, lead_ids=ids)
