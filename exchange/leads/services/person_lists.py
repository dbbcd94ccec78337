"""Verbs of lists: people whom the exchange, a seller or a buyer does not want sold.

Nothing readable is kept: a list becomes keyed hashes as it is read. Counts of its lines stay.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import delete, select

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import FieldProblem, Forbidden, Invalid, NotFound
from exchange.core.events import Ref
from exchange.core.jobs import enqueue
from exchange.identity.models import Organization
from exchange.identity.permissions import OrganizationKind
from exchange.leads import people
from exchange.leads.models import Contact, ContactChannel, Lead, SuppressionEntry
from exchange.leads.person_lines import BYTES_MAX, LINES_MAX, People, read_people, read_person
from exchange.leads.rights import ListPurpose, PersonList
from exchange.leads.services import digests, suppression
from exchange.leads.vault import blind_index


def add_list(
    *,
    organization_id: UUID | None,
    purpose: ListPurpose,
    channel: ContactChannel,
    name: str,
    listed_on: date | None,
    text: str,
    region: str,
    actor: Actor,
) -> PersonList:
    """Take a list of phones and e-mails, a person to a line; it holds from this moment on.

    `organization_id` None is the exchange's own, which holds for everybody. Raises Invalid for a
    text without a person in it, one that is too long, or a day to come; Forbidden for a list of
    known people of somebody who buys nothing.
    """
    _require_purpose(organization_id, purpose)
    day = listed_on or clock.now().date()
    found = _read(text, region=region, day=day)
    made = save(
        PersonList(
            organization_id=organization_id,
            purpose=purpose,
            channel=channel,
            name=name.strip(),
            listed_on=day,
            lines_taken=found.lines_taken,
            lines_repeated=found.lines_repeated,
            lines_bad=found.lines_bad,
        )
    )
    hashes = {value for key in found.keys if (value := blind_index(key.kind, key.value))}
    suppression.enter(hashes, origin="list", person_list=made, listed_on=day)
    digests.note_people(sorted(found.keys))
    events.record(
        "person_list.added", subject=made, actor=actor, purpose=purpose, lines=found.lines_taken
    )
    enqueue("leads.apply_list", made.id)
    return made


def remove_list(*, list_id: UUID, organization_id: UUID | None, actor: Actor) -> PersonList:
    """Destroy the entries of a list; leads that left sale by it stay off sale. Raises NotFound."""
    people.get_list(list_id, viewer=organization_id)
    found = lock(PersonList, list_id)
    if found.removed_at is not None:
        raise NotFound
    found.removed_at = clock.now()
    db.session.execute(delete(SuppressionEntry).where(SuppressionEntry.list_id == found.id))
    events.record("person_list.removed", subject=found, actor=actor)
    return found


def remove_person(
    *, organization_id: UUID | None, purpose: ListPurpose, person: str, region: str, actor: Actor
) -> int:
    """Take one person from all of an organization's lists; how many entries went is not told out.

    What a person asked for themselves (a withdrawal, an erasure) stays. Raises Invalid.
    """
    keys = read_person(person, region=region)
    if not keys:
        raise unreadable("/person")
    hashes = {value for key in keys if (value := blind_index(key.kind, key.value))}
    mine = select(PersonList.id).where(
        PersonList.organization_id.is_not_distinct_from(organization_id),
        PersonList.purpose == purpose,
    )
    gone = db.session.scalars(
        delete(SuppressionEntry)
        .where(SuppressionEntry.hash.in_(people.any_of(hashes)), SuppressionEntry.list_id.in_(mine))
        .returning(SuppressionEntry.id)
    ).all()
    if gone:
        owner = organization_id or actor.organization_id
        assert owner is not None
        subject = Ref("organization", owner)
        events.record(
            "person_list.shortened",
            subject=subject,
            actor=actor,
            organization_id=organization_id,
            entries=len(gone),
        )
    return len(gone)


def apply_list(*, list_id: UUID) -> None:
    """Let the leads of listed people leave sale; of a seller's list only that seller's leads.

    Safe to repeat. A buyer's list is asked when that buyer looks, orders and receives.
    """
    found = lock(PersonList, list_id)
    if found.removed_at is not None:
        return
    if found.purpose is ListPurpose.SUPPRESSED and not _is_buyer(found.organization_id):
        suppression.take_off_sale(_leads_on(found), actor=SYSTEM)
    found.applied_at = clock.after_lock()


def unreadable(pointer: str) -> Invalid:
    """Neither a phone nor an e-mail, without saying what was sent."""
    text = "Give a phone number or an e-mail address."
    return Invalid(errors=(FieldProblem(pointer, "contact_unreadable", text),))


def _require_purpose(organization_id: UUID | None, purpose: ListPurpose) -> None:
    if purpose is ListPurpose.SUPPRESSED:
        return
    if not _is_buyer(organization_id):
        raise Forbidden("Only a buyer keeps a list of people it knows.")


def _read(text: str, *, region: str, day: date) -> People:
    if day > clock.now().date():
        raise _invalid("/listed_on", "The list cannot be of a day to come.")
    if len(text) > BYTES_MAX or text.count("\n") > LINES_MAX:
        raise _invalid("/people", f"A list has at most {LINES_MAX} lines; upload it in parts.")
    found = read_people(text, region=region)
    if not found.keys:
        raise unreadable("/people")
    return found


def _invalid(pointer: str, text: str) -> Invalid:
    return Invalid(errors=(FieldProblem(pointer, "value_not_allowed", text),))


def _is_buyer(organization_id: UUID | None) -> bool:
    owner = organization_id and get(Organization, organization_id)
    return isinstance(owner, Organization) and owner.kind is OrganizationKind.BUYER


def _leads_on(found: PersonList) -> list[UUID]:
    """The leads whose person stands in the list, read from the list's side."""
    by = [
        select(Contact.lead_id)
        .join(SuppressionEntry, SuppressionEntry.hash == column)
        .where(SuppressionEntry.list_id == found.id)
        for column in (Contact.phone_index, Contact.email_index)
    ]
    statement = select(Lead.id).where(Lead.id.in_(by[0].union(by[1])))
    if found.organization_id is not None:
        statement = statement.where(Lead.organization_id == found.organization_id)
    return list(db.session.scalars(statement.order_by(Lead.id)))
