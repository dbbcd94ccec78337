"""Questions about people, who are keyed hashes here: may they be sold, whose leads are theirs.

An entry of the exchange's own holds for everybody, a seller's for what that seller offers, a
buyer's for what that buyer would get. By whichever channel somebody does not want to be reached,
they are not sold: what is sold is a call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    LargeBinary,
    Select,
    any_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from exchange.core.crypto import INDEX_BYTES
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.invariants import invariant
from exchange.core.pagination import Page, paginate
from exchange.leads.models import Consent, ConsentText, Contact, Lead, LeadStatus, SuppressionEntry
from exchange.leads.rights import (
    ConsentBuyer,
    Erasure,
    ListPurpose,
    PersonDigest,
    PersonList,
    Revocation,
)

# A row that was being taken in when somebody was listed is in the tables by then.
SECOND_LOOK: Final = timedelta(minutes=10)
# Asked for every ping, so it is put together once.
BY_DIGEST: Final = select(PersonDigest.digest, PersonDigest.hash).where(
    PersonDigest.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary)))
)
AnyColumn = InstrumentedAttribute[Any]  # Any: a column of times, empty or not


def owned_by(organization_id: UUID | None) -> ColumnElement[bool]:
    """A condition on SuppressionEntry: of this organization; None is the exchange's own."""
    return SuppressionEntry.organization_id == organization_id  # None becomes IS NULL


def any_of(hashes: Collection[bytes] | bytes) -> Select[tuple[bytes]]:
    """The keyed hashes as rows, sent as one string of 16-byte pieces; they may come as one.

    A statement of the same shape for any number of them, and far cheaper than an array.
    """
    pieces = hashes if isinstance(hashes, bytes) else b"".join(sorted(hashes))
    joined = bindparam(None, pieces, type_=LargeBinary)
    place = func.generate_series(0, len(pieces) // INDEX_BYTES - 1).column_valued("place")
    return select(func.substring(joined, place * INDEX_BYTES + 1, INDEX_BYTES, type_=LargeBinary))


def suppressed_hashes(
    hashes: Collection[bytes] | bytes, *, seller_id: UUID | None = None
) -> set[bytes]:
    """Which of these keyed hashes are suppressed for everybody, or by this seller."""
    same = SuppressionEntry.hash.in_(any_of(hashes))
    holders = or_(owned_by(None), owned_by(seller_id))
    return set(db.session.scalars(select(SuppressionEntry.hash).where(same, holders)))


def hashes_by_digest(digests: Collection[bytes]) -> dict[bytes, bytes]:
    """The keyed hash of each of these people whom somebody named by a SHA-256 (see `digests`)."""
    rows = db.session.execute(BY_DIGEST, {"digests": list(digests)})
    return {row.digest: row.hash for row in rows}


def keepers(hashes: Collection[bytes]) -> set[UUID | None]:
    """Who keeps these people off sales or purchases; None among them is the exchange."""
    same = SuppressionEntry.hash.in_(any_of(hashes))
    return set(db.session.scalars(select(SuppressionEntry.organization_id).where(same).distinct()))


def is_person_suppressed(*, buyer_id: UUID | None = None) -> ColumnElement[bool]:
    """A condition on Contact and its Lead: not to be offered, sold or delivered (to this buyer)."""
    holders = [
        owned_by(None),
        SuppressionEntry.organization_id == Lead.organization_id,
        owned_by(buyer_id),
    ]
    return (
        select(SuppressionEntry.id)
        .where(SuppressionEntry.hash.in_([Contact.phone_index, Contact.email_index]), or_(*holders))
        .correlate(Contact, Lead)
        .exists()
    )


def suppressed_leads(lead_ids: Collection[UUID], *, buyer_id: UUID | None = None) -> set[UUID]:
    """Which of these leads belong to somebody who is suppressed, for everybody or this buyer."""
    statement = (
        select(Contact.lead_id)
        .join(Lead, Lead.id == Contact.lead_id)
        .where(Contact.lead_id.in_(lead_ids), is_person_suppressed(buyer_id=buyer_id))
    )
    return set(db.session.scalars(statement))


def names_others(names: Collection[str]) -> ColumnElement[bool]:
    """A condition on Lead: its consent names buyers, and none by one of these names."""
    named = select(ConsentBuyer.lead_id).where(ConsentBuyer.lead_id == Lead.id).correlate(Lead)
    return named.exists() & ~named.where(ConsentBuyer.name.in_(names)).exists()


def is_named() -> ColumnElement[bool]:
    """A condition on Lead: its consent names the buyers it is for."""
    named = select(ConsentBuyer.lead_id).where(ConsentBuyer.lead_id == Lead.id)
    return named.correlate(Lead).exists()


def named_for(lead_ids: Collection[UUID], names: Collection[str]) -> set[UUID]:
    """Which of these leads name a buyer by one of these names."""
    statement = select(ConsentBuyer.lead_id).where(
        ConsentBuyer.lead_id.in_(lead_ids), ConsentBuyer.name.in_(names)
    )
    return set(db.session.scalars(statement))


@dataclass(frozen=True, slots=True)
class ConsentSeen:
    """What a person agreed to, as it was shown to them: for whoever answers for the contact."""

    text: str | None
    given_at: datetime | None
    page_url: str
    purposes: tuple[str, ...]
    buyers: tuple[str, ...]  # named in it, folded


def consents_of(lead_ids: Collection[UUID]) -> dict[UUID, ConsentSeen]:
    """The records of consent of these leads."""
    rows = db.session.execute(
        select(Consent, ConsentText.text)
        .outerjoin(ConsentText, ConsentText.id == Consent.text_id)
        .where(Consent.lead_id.in_(lead_ids))
    ).all()
    named: defaultdict[UUID, list[str]] = defaultdict(list)
    for one in db.session.scalars(
        select(ConsentBuyer).where(ConsentBuyer.lead_id.in_(lead_ids)).order_by(ConsentBuyer.name)
    ):
        named[one.lead_id].append(one.name)
    return {
        row.Consent.lead_id: ConsentSeen(
            text=row.text,
            given_at=row.Consent.given_at,
            page_url=row.Consent.page_url,
            purposes=tuple(row.Consent.purposes),
            buyers=tuple(named[row.Consent.lead_id]),
        )
        for row in rows
    }


def hashes_of(lead_ids: Collection[UUID]) -> set[bytes]:
    """Every keyed hash of the people behind these leads."""
    rows = db.session.execute(
        select(Contact.phone_index, Contact.email_index).where(Contact.lead_id.in_(lead_ids))
    )
    return {value for row in rows for value in row if value}


def leads_of_people(hashes: Collection[bytes]) -> Sequence[UUID]:
    """Every lead of these people that still has its contact, in every lot."""
    if not hashes:
        return []
    same = any_of(hashes)
    by_phone = select(Contact.lead_id).where(Contact.phone_index.in_(same))
    by_email = select(Contact.lead_id).where(Contact.email_index.in_(same))
    return sorted(db.session.scalars(by_phone.union(by_email)))


def lists_to_apply(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Lists by which leads have not left sale yet, or that are due for the second look."""
    waits = _is_due(PersonList.created_at, PersonList.applied_at, now)
    statement = select(PersonList.id).where(PersonList.removed_at.is_(None), waits)
    return db.session.scalars(statement.order_by(PersonList.id).limit(limit)).all()


def revocations_to_apply(now: datetime, *, limit: int) -> Sequence[UUID]:
    """The same of withdrawals."""
    waits = _is_due(Revocation.created_at, Revocation.applied_at, now)
    statement = select(Revocation.id).where(waits).order_by(Revocation.id)
    return db.session.scalars(statement.limit(limit)).all()


def erasures_to_check(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Erasures that are due for the second look."""
    waits = Erasure.checked_at.is_(None) & (Erasure.created_at <= now - SECOND_LOOK)
    statement = select(Erasure.id).where(waits).order_by(Erasure.id)
    return db.session.scalars(statement.limit(limit)).all()


def _is_due(made: AnyColumn, applied: AnyColumn, now: datetime) -> ColumnElement[bool]:
    """Never applied, or only before everything that was on its way then had arrived."""
    again = (made <= now - SECOND_LOOK) & (applied < made + SECOND_LOOK)
    return applied.is_(None) | again


def get_list(list_id: UUID, *, viewer: UUID | None) -> PersonList:
    """A list of the viewer's; None is the exchange's own. Raises NotFound."""
    found = db.session.get(PersonList, list_id)
    if found is None or found.organization_id != viewer or found.removed_at is not None:
        raise NotFound
    return found


def lists(
    *,
    viewer: UUID | None,
    purpose: ListPurpose | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[PersonList]:
    """The lists of an organization, or the exchange's own for None, newest first."""
    mine = PersonList.organization_id.is_not_distinct_from(viewer)
    statement = select(PersonList).where(mine, PersonList.removed_at.is_(None))
    if purpose is not None:
        statement = statement.where(PersonList.purpose == purpose)
    return paginate(statement, PersonList, cursor=cursor, limit=limit)


def count_entries(list_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many hashes each list holds now."""
    rows = db.session.execute(
        select(PersonList.id, func.count())
        .join(SuppressionEntry, SuppressionEntry.list_id == PersonList.id)
        .where(PersonList.id.in_(list_ids))
        .group_by(PersonList.id)
    )
    return {row[0]: row[1] for row in rows}


def count_people(*, owner_id: UUID | None) -> int:
    """How many different hashes an organization, or the exchange for None, keeps off sale."""
    counted = select(func.count(SuppressionEntry.hash.distinct())).where(owned_by(owner_id))
    return db.session.scalar(counted) or 0


@invariant("leads.purged")
def purged_leads_with_contact() -> list[str]:
    """Whoever was erased cannot be opened: key, locked bytes and preview are gone."""
    wrong = db.session.scalars(
        select(Lead.id)
        .outerjoin(Contact, Contact.lead_id == Lead.id)
        .where(
            Lead.status == LeadStatus.PURGED,
            or_(Contact.lead_id.is_not(None), Lead.preview != {}),
        )
    )
    return [f"lead {lead_id} is purged and still says who it was" for lead_id in wrong]
