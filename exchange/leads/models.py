"""Tables of the inventory. A lead is what can be sold; its contact is locked beside it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from exchange.catalog.policies import QualityClass
from exchange.core.db import Model, Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.core.states import Graph
from exchange.leads.source_cards import Collector, SourceChannel


class LeadKind(StrEnum):
    EXCLUSIVE = "exclusive"  # sold once
    SHARED = "shared"  # sold to at most `sales_max` buyers
    TARGETED = "targeted"  # captured for one buyer's offer


class SourceStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  # by its seller
    STOPPED = "stopped"  # by the exchange


class Source(Record):
    """Where a seller's leads come from: the cell in which quality is remembered."""

    KIND, PREFIX = "source", "src"
    TRANSITIONS: ClassVar[Graph] = {
        SourceStatus.ACTIVE: {SourceStatus.PAUSED, SourceStatus.STOPPED},
        SourceStatus.PAUSED: {SourceStatus.ACTIVE, SourceStatus.STOPPED},
        SourceStatus.STOPPED: {SourceStatus.ACTIVE},
    }
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]  # the seller's own word; buyers do not see it
    channel: Mapped[SourceChannel | None] = mapped_column(enum_column(SourceChannel))
    landing_url: Mapped[str] = mapped_column(default="")
    ad_text: Mapped[str] = mapped_column(server_default="")
    collected_by: Mapped[Collector] = mapped_column(
        enum_column(Collector), server_default=Collector.OWN
    )
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    defaults: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"))  # by field
    status: Mapped[SourceStatus] = mapped_column(
        enum_column(SourceStatus), default=SourceStatus.ACTIVE
    )
    status_reason: Mapped[str] = mapped_column(server_default="")  # why the exchange stopped it

    @property
    def takes_leads(self) -> bool:
        """Whether files and single leads may name it."""
        return self.status is SourceStatus.ACTIVE


class ImportStatus(StrEnum):
    UPLOADED = "uploaded"
    RECOGNISED = "recognised"
    MAPPED = "mapped"
    CHECKED = "checked"
    CONFIRMED = "confirmed"
    ABANDONED = "abandoned"  # by the seller, or refused as a file: `refusal` says why


class Import(Record):
    """A file on its way to becoming a batch: a saved draft that can be left at any step."""

    KIND, PREFIX = "import", "imp"
    TRANSITIONS: ClassVar[Graph] = {
        ImportStatus.UPLOADED: {ImportStatus.RECOGNISED, ImportStatus.ABANDONED},
        ImportStatus.RECOGNISED: {ImportStatus.MAPPED, ImportStatus.ABANDONED},
        ImportStatus.MAPPED: {
            ImportStatus.RECOGNISED, ImportStatus.CHECKED, ImportStatus.ABANDONED,
        },
        ImportStatus.CHECKED: {
            ImportStatus.RECOGNISED, ImportStatus.MAPPED, ImportStatus.CONFIRMED,
            ImportStatus.ABANDONED,
        },
        ImportStatus.CONFIRMED: set(),
        ImportStatus.ABANDONED: set(),
    }  # fmt: skip
    __table_args__ = (Index(None, "organization_id", "file_sha256"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    schema_id: Mapped[UUID] = mapped_column(ForeignKey("lead_schema.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    status: Mapped[ImportStatus] = mapped_column(
        enum_column(ImportStatus), default=ImportStatus.UPLOADED
    )
    file_name: Mapped[str]  # as shown; the file is stored under our own key
    file_size: Mapped[int]  # bytes
    file_sha256: Mapped[bytes]
    file_key_version: Mapped[int | None]  # NULL: the key is destroyed, the file unreadable
    file_key: Mapped[bytes | None]
    recognition: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    mapping: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    questions: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    forecast: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # dry run
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # code and sentence
    # What the source stood for at the upload; a later edit of its card changes no old lead.
    defaults: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"))  # empty cells
    consent_version: Mapped[int | None]  # of the source's wording among them
    revision: Mapped[int] = mapped_column(default=0)  # counts what changes the rows' findings
    checked_revision: Mapped[int | None]  # of which the whole file was checked
    check_rows: Mapped[int] = mapped_column(default=0)  # how far the check of the file is
    check_started_at: Mapped[datetime | None]

    @property
    def is_checked_whole(self) -> bool:
        """Whether every row was checked as the file is mapped and mended now."""
        return self.checked_revision == self.revision


class BatchStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"  # a rolling lot that still grows
    VALIDATING = "validating"
    SEALED = "sealed"
    SAMPLING = "sampling"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"
    IN_FULL_INSPECTION = "in_full_inspection"
    WITHDRAWN = "withdrawn"


B = BatchStatus


class Batch(Record):
    """A lot: what is sealed, sampled and decided together."""

    KIND, PREFIX = "batch", "batch"
    TRANSITIONS: ClassVar[Graph] = {
        B.DRAFT: {B.OPEN, B.VALIDATING, B.WITHDRAWN},
        # Rejected without a sample: everybody in it comes a second time.
        B.OPEN: {B.SEALED, B.REJECTED, B.WITHDRAWN},
        B.VALIDATING: {B.SEALED, B.REJECTED, B.WITHDRAWN},
        B.SEALED: {B.SAMPLING},
        B.SAMPLING: {B.ACCEPTED, B.REJECTED, B.UNDECIDED},
        B.ACCEPTED: {B.IN_FULL_INSPECTION, B.WITHDRAWN},
        B.REJECTED: {B.IN_FULL_INSPECTION, B.WITHDRAWN},
        B.UNDECIDED: {B.IN_FULL_INSPECTION, B.WITHDRAWN, B.ACCEPTED},
        B.IN_FULL_INSPECTION: {B.ACCEPTED, B.REJECTED, B.WITHDRAWN},
        B.WITHDRAWN: set(),
    }
    __table_args__ = (
        Index(None, "organization_id", "status"),
        # A seller's source has one lot of a vertical that grows, and one for each contract.
        Index(
            None, "source_id", "vertical_id", "contract_id", unique=True,
            postgresql_nulls_not_distinct=True, postgresql_where=text("status = 'open'"),
        ),
        Index(None, "contract_id", postgresql_where=text("contract_id IS NOT NULL")),
        Index(None, "source_id", "vertical_id", "decided_at"),
        # Decision 39: every row of the file ends in exactly one state.
        CheckConstraint(
            "rows_done = valid + in_review + invalid + duplicate + suppressed", name="row_equation"
        ),
        CheckConstraint("sales_max BETWEEN 1 AND 10", name="sales_max"),
        CheckConstraint("(kind = 'targeted') = (contract_id IS NOT NULL)", name="targeted"),
    )  # fmt: skip

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    schema_id: Mapped[UUID] = mapped_column(ForeignKey("lead_schema.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    contract_id: Mapped[UUID | None] = mapped_column(ForeignKey("contract.id"))  # of targeted leads
    import_id: Mapped[UUID | None] = mapped_column(ForeignKey("import.id"), unique=True)
    name: Mapped[str]
    status: Mapped[BatchStatus] = mapped_column(enum_column(BatchStatus), default=BatchStatus.DRAFT)
    quality_class: Mapped[QualityClass] = mapped_column(enum_column(QualityClass))
    kind: Mapped[LeadKind] = mapped_column(enum_column(LeadKind))
    price: Mapped[Money] = money_columns("price")  # asked at confirm; the listing's terms decide
    sales_max: Mapped[int] = mapped_column(default=1)
    rows_total: Mapped[int | None]  # known once the file was read to its end
    rows_done: Mapped[int] = mapped_column(default=0)  # where a restarted intake goes on
    valid: Mapped[int] = mapped_column(default=0)
    in_review: Mapped[int] = mapped_column(default=0)
    invalid: Mapped[int] = mapped_column(default=0)
    duplicate: Mapped[int] = mapped_column(default=0)
    suppressed: Mapped[int] = mapped_column(default=0)
    # Refuses nothing.
    suspicion: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    population: Mapped[int | None]  # sealed leads, the N of the plan
    merkle_root: Mapped[bytes | None]
    opened_at: Mapped[datetime | None]  # of a rolling lot: leads come one by one
    seals_at: Mapped[datetime | None]  # when it is full or not
    sells_at_once: Mapped[bool] = mapped_column(default=False)  # checked after the sale began
    sealed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    @property
    def is_rolling(self) -> bool:
        """Whether its leads came one by one."""
        return self.opened_at is not None

    @property
    def may_be_sold(self) -> bool:
        """Whether its leads may be on sale: it was accepted, or its source is in good standing."""
        return self.status is B.ACCEPTED or (self.sells_at_once and self.status in UNDER_WAY)


UNDER_WAY = frozenset({B.OPEN, B.SEALED, B.SAMPLING})  # a lot before its decision


class LeadStatus(StrEnum):
    RECEIVED = "received"
    VALID = "valid"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    IN_REVIEW = "in_review"
    QUARANTINED = "quarantined"  # found bad, or stopped with its source: not for sale
    WITHDRAWN = "withdrawn"
    PURGED = "purged"


S = LeadStatus


class Lead(Record):
    """One interested person's request, without the person: searchable and sellable."""

    KIND, PREFIX = "lead", "lead"
    TRANSITIONS: ClassVar[Graph] = {
        S.RECEIVED: {S.VALID, S.INVALID, S.DUPLICATE, S.SUPPRESSED, S.IN_REVIEW, S.PURGED},
        S.IN_REVIEW: {S.VALID, S.INVALID, S.WITHDRAWN, S.SUPPRESSED, S.PURGED},
        S.VALID: {S.QUARANTINED, S.WITHDRAWN, S.SUPPRESSED, S.PURGED},
        S.INVALID: {S.PURGED},
        S.DUPLICATE: {S.PURGED},
        S.SUPPRESSED: {S.PURGED},
        S.QUARANTINED: {S.VALID, S.SUPPRESSED, S.PURGED},
        S.WITHDRAWN: {S.PURGED},
        S.PURGED: set(),
    }
    __table_args__ = (
        UniqueConstraint("batch_id", "row_number"),
        # The first belt against overselling; the second is the unique slot of an order line.
        CheckConstraint("sold BETWEEN 0 AND sales_max", name="sold"),
        Index(None, "batch_id", "status", "region"),
        # What can be bought, freshest first when read backward; it alone tells which lots changed.
        Index(
            None,
            "batch_id",
            "requested_at",
            "id",
            postgresql_where=text("status = 'valid' AND in_frame AND sold < sales_max"),
            postgresql_include=["sold", "asks", "checked_at", "last_asked_at"],
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    sub_source: Mapped[str] = mapped_column(default="")
    row_number: Mapped[int]  # the record's number in the file, the header not counted
    status: Mapped[LeadStatus] = mapped_column(enum_column(LeadStatus), default=LeadStatus.RECEIVED)
    kind: Mapped[LeadKind] = mapped_column(enum_column(LeadKind))
    sales_max: Mapped[int]
    sold: Mapped[int] = mapped_column(default=0)
    attributes: Mapped[dict[str, Any]] = mapped_column()  # by the schema, no contact among them
    preview: Mapped[dict[str, str]] = mapped_column()  # masked name, phone, email
    region: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str] = mapped_column(default="")  # `postal_area` of the answer
    requested_at: Mapped[datetime]  # when the person asked
    # How often the person asked, through whom else of the same seller (decision 4).
    asks: Mapped[int] = mapped_column(SmallInteger, default=1, server_default=text("1"))
    last_asked_at: Mapped[datetime | None]  # when they asked again, the last time
    landing_url: Mapped[str] = mapped_column(default="")
    checked_at: Mapped[datetime | None]  # called by us and found good
    failed_at: Mapped[datetime | None]  # found bad, by our call or by a return
    aged_at: Mapped[datetime | None]  # offered a second time, as aged (decision 2); once in all
    first_sold_at: Mapped[datetime | None]  # of an aged lead: its history
    # The same person's lead in a lot that came to nothing before: only a full inspection clears it.
    repeats_id: Mapped[UUID | None]
    leaf: Mapped[bytes]  # the Merkle leaf of the salted row
    in_frame: Mapped[bool] = mapped_column(default=False)  # may be called, by its consent
    is_stopped: Mapped[bool] = mapped_column(server_default=false())  # quarantined with its source
    suspicion: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # 0 to 100, for strata
    marks: Mapped[list[str] | None]  # why; NULL: nothing was noticed


class Contact(Model):
    """The person, locked under a key of their own. No relationship leads here on purpose."""

    __tablename__ = "contact"
    __table_args__ = (Index(None, "phone_index"), Index(None, "email_index"))

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"), primary_key=True)
    key_version: Mapped[int]
    wrapped_key: Mapped[bytes]  # destroying it erases the person
    locked: Mapped[bytes]  # name, phone, email and the rest of the contact fields
    salt: Mapped[bytes]  # 16 bytes, in the Merkle leaf
    phone_index: Mapped[bytes | None]
    email_index: Mapped[bytes | None]


class ConsentText(Record):
    """A wording that people agreed to, kept once per seller; rows only hold its id."""

    KIND, PREFIX = "consent_text", "ctx"
    __table_args__ = (UniqueConstraint("organization_id", "sha256"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    sha256: Mapped[bytes]
    text: Mapped[str]


class Consent(Model):
    """Proof that the person agreed. Append-only, like the ledger."""

    __tablename__ = "consent"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"), primary_key=True)
    text_id: Mapped[UUID | None] = mapped_column(ForeignKey("consent_text.id"))
    given_at: Mapped[datetime | None]
    page_url: Mapped[str] = mapped_column(default="")
    purposes: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))


class ProblemRow(Model):
    """A row that did not become a lead: its number, its codes and the locked original cells."""

    __tablename__ = "problem_row"
    __table_args__ = (Index(None, "batch_id", "status"),)

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    row_number: Mapped[int] = mapped_column(primary_key=True)
    line_number: Mapped[int]
    status: Mapped[LeadStatus] = mapped_column(enum_column(LeadStatus))
    codes: Mapped[list[str]] = mapped_column()
    locked: Mapped[bytes]  # under the import's key: gone with the raw file
    since: Mapped[datetime | None]  # for a duplicate: when the first one came


class Fingerprint(Model):
    """One person in one vertical until a moment: the race-safe guard against duplicates."""

    __tablename__ = "fingerprint"

    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"), primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID]
    since: Mapped[datetime]
    until: Mapped[datetime]


class ContactChannel(StrEnum):
    """By what a person does not want to be reached; today each keeps the lead from being sold."""

    ANY = "any"
    CALL = "call"
    EMAIL = "email"
    MESSAGE = "message"


class SuppressionEntry(Record):
    """Somebody who is never offered, sold or delivered: a keyed hash and nothing else."""

    KIND, PREFIX = "suppression_entry", "sup"
    __table_args__ = (
        # Once in each list: taking one list away leaves what another one says.
        UniqueConstraint("hash", "organization_id", "list_id", postgresql_nulls_not_distinct=True),
        Index(None, "list_id"),
        Index(None, "organization_id", postgresql_where=text("organization_id IS NOT NULL")),
    )

    hash: Mapped[bytes]
    organization_id: Mapped[UUID | None] = mapped_column(  # whose sales it stops; NULL: everybody's
        ForeignKey("organization.id")
    )
    list_id: Mapped[UUID | None] = mapped_column(ForeignKey("person_list.id"))
    channel: Mapped[ContactChannel] = mapped_column(
        enum_column(ContactChannel),
        default=ContactChannel.ANY,
        server_default=text("'any'"),
    )
    origin: Mapped[str]  # do_not_call, objection, revocation, erasure, list
    listed_on: Mapped[date]
