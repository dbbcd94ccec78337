"""Tables of people's rights: lists of people, withdrawals of consent, erasures, buyers named.

People are in here as keyed hashes only. What was done stays on record; whom it was done to cannot
be read back.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Model, Record, enum_column
from exchange.leads.models import ContactChannel

HASHES = ARRAY(LargeBinary)


class ListPurpose(StrEnum):
    SUPPRESSED = "suppressed"  # must not be contacted
    KNOWN = "known"  # a buyer's own customers and enquiries, not bought a second time


class PersonList(Record):
    """People that an organization, or the exchange, does not want sold; kept as keyed hashes."""

    KIND, PREFIX = "person_list", "pls"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index(None, "created_at", postgresql_where=text("removed_at IS NULL")),
    )

    organization_id: Mapped[UUID | None] = mapped_column(  # NULL: the exchange's, for everybody
        ForeignKey("organization.id")
    )
    purpose: Mapped[ListPurpose] = mapped_column(enum_column(ListPurpose))
    channel: Mapped[ContactChannel] = mapped_column(enum_column(ContactChannel))
    name: Mapped[str]  # where the list comes from
    listed_on: Mapped[date]  # of which day the list is
    lines_taken: Mapped[int]
    lines_repeated: Mapped[int]  # somebody who stands in the list already
    lines_bad: Mapped[int]  # neither a phone nor an e-mail
    applied_at: Mapped[datetime | None]  # the last time leads were taken off sale by it
    removed_at: Mapped[datetime | None]  # its entries are gone


class RevocationVia(StrEnum):
    PAGE = "page"  # the person, at the public page
    API = "api"  # a seller, a buyer or the operator who passes it on


class Revocation(Record):
    """Somebody withdrew their consent; the public id is the number on their receipt."""

    KIND, PREFIX = "revocation", "rvc"

    organization_id: Mapped[UUID | None] = mapped_column(  # who passed it on; NULL: the person
        ForeignKey("organization.id")
    )
    via: Mapped[RevocationVia] = mapped_column(enum_column(RevocationVia))
    hashes: Mapped[list[bytes]] = mapped_column(HASHES)
    leads: Mapped[int] = mapped_column(default=0)  # taken off sale by it
    applied_at: Mapped[datetime | None]


class Erasure(Record):
    """A person was erased: what was destroyed and when, for the certificate. No contact."""

    KIND, PREFIX = "erasure", "era"

    origin: Mapped[str]  # how it was asked for: request, staff
    hashes: Mapped[list[bytes]] = mapped_column(HASHES)
    lead_ids: Mapped[list[str]] = mapped_column()  # public ids, in the order of intake
    contacts: Mapped[int]  # locked contacts destroyed with their keys
    fingerprints: Mapped[int]
    files: Mapped[int]  # uploaded files destroyed with their keys
    files_pending: Mapped[int]  # of lots that were still being taken in
    checked_at: Mapped[datetime | None]  # looked again for rows that came in at the same moment


class ConsentBuyer(Model):
    """A buyer whom the person's consent names. Append-only, as the consent is."""

    __tablename__ = "consent_buyer"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)  # folded: see `naming`


class PersonDigest(Model):
    """A person as whoever pings names them: the keyed hash of a SHA-256, and whose it is.

    Nothing of it can be read back. It outlives the contact, as entries of suppression do.
    """

    __tablename__ = "person_digest"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    hash: Mapped[bytes]  # of the phone or e-mail, as fingerprints and entries hold it
