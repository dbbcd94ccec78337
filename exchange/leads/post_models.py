"""Tables of leads that come one by one: on what terms, through which doors, what became of each.

No contact is in any of them: of what was sent a post keeps keyed hashes and the answer.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.catalog.policies import QualityClass
from exchange.core.db import Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.leads.models import LeadKind

CALL_SECONDS_MIN = 60  # of an inbound call that is a lead, where its source says nothing else


class SourceTerms(Record):
    """Standing terms of a source in a vertical: what a file is asked at Confirm, said once."""

    KIND, PREFIX = "source_terms", "stm"
    __table_args__ = (
        # Beside those for everybody, a source has terms for each contract that it is approved for.
        UniqueConstraint(
            "source_id", "vertical_id", "contract_id", postgresql_nulls_not_distinct=True
        ),
        Index(None, "organization_id"),
        Index(None, "contract_id", postgresql_where=text("contract_id IS NOT NULL")),
        CheckConstraint("(kind = 'targeted') = (contract_id IS NOT NULL)", name="targeted"),
        CheckConstraint("sales_max BETWEEN 1 AND 10", name="sales_max"),
        CheckConstraint("call_seconds_min BETWEEN 0 AND 3600", name="call_seconds_min"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    contract_id: Mapped[UUID | None] = mapped_column(ForeignKey("contract.id"))  # of targeted leads
    # Why nothing is posted for the contract at the moment; empty: it may be.
    closed_reason: Mapped[str] = mapped_column(default="", server_default="")
    quality_class: Mapped[QualityClass] = mapped_column(enum_column(QualityClass))
    kind: Mapped[LeadKind] = mapped_column(enum_column(LeadKind))
    price: Mapped[Money] = money_columns("price")
    sales_max: Mapped[int] = mapped_column(default=1)
    declared_unsold_at: Mapped[datetime]  # decision 3, for all leads to come
    channel: Mapped[str] = mapped_column(default="")  # where a post names none
    # The wording under the seller's own form, where a post brings none of its own.
    consent_text: Mapped[str] = mapped_column(default="")
    consent_url: Mapped[str] = mapped_column(default="")
    is_check_agreed: Mapped[bool] = mapped_column(default=False)  # the wording covers our call
    call_seconds_min: Mapped[int] = mapped_column(default=CALL_SECONDS_MIN)
    is_test: Mapped[bool] = mapped_column(default=False)  # nothing that is posted is kept
    trusted_since: Mapped[datetime | None]  # the last lot was accepted: sells at once
    spec_token: Mapped[str | None] = mapped_column(unique=True)  # of the public posting spec


class PostingToken(Record):
    """A secret that lets a form builder post to one source and do nothing else."""

    KIND, PREFIX = "posting_token", "ptk"
    __table_args__ = (Index(None, "terms_id"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    terms_id: Mapped[UUID] = mapped_column(ForeignKey("source_terms.id"))
    name: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]  # the first letters, so that its owner can tell tokens apart
    settings: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"))  # of presets
    revoked_at: Mapped[datetime | None]


class CaptureForm(Record):
    """A lead form that the exchange hosts for a source."""

    KIND, PREFIX = "capture_form", "frm"
    __table_args__ = (Index(None, "terms_id"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    terms_id: Mapped[UUID] = mapped_column(ForeignKey("source_terms.id"))
    token: Mapped[str] = mapped_column(unique=True)  # a public address, no secret
    title: Mapped[str]
    language: Mapped[str]  # where the visitor's browser asks for none of ours
    is_callback: Mapped[bool] = mapped_column(default=False)  # phone and required fields only
    consent_text_id: Mapped[UUID] = mapped_column(ForeignKey("consent_text.id"))  # the newest
    origins: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))  # that may embed it
    revoked_at: Mapped[datetime | None]


class PostOutcome(StrEnum):
    """What became of a post, in the words of the API."""

    ACCEPTED = "accepted"  # on sale, or would be
    QUEUED_FOR_CHECK = "queued_for_check"  # kept; for sale once its lot is accepted
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"


class Post(Record):
    """One lead that was posted, and the answer that was given. Only an erasure changes it."""

    KIND, PREFIX = "post", "post"
    __table_args__ = (
        Index(None, "terms_id", "id"),
        # A repeat finds the first answer; tests may repeat themselves.
        Index(
            None,
            "source_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL AND NOT is_test"),
        ),
        CheckConstraint("lead_id IS NULL OR NOT is_test", name="tests_keep_nothing"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    terms_id: Mapped[UUID] = mapped_column(ForeignKey("source_terms.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    via: Mapped[str]  # api, form, spec, or the preset
    is_test: Mapped[bool] = mapped_column(default=False)
    external_id: Mapped[str | None]  # the seller's own name for it
    outcome: Mapped[PostOutcome] = mapped_column(enum_column(PostOutcome))
    reason: Mapped[str] = mapped_column(default="")  # the first code
    errors: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))  # pointer and code
    since: Mapped[datetime | None]  # of a duplicate: when the first one came
    lead_id: Mapped[UUID | None] = mapped_column(ForeignKey("lead.id"))
    body_hash: Mapped[bytes]  # keyed, so that nobody can guess a person out of it
    # What velocity is seen by, keyed as well; and how long the form was open.
    address_index: Mapped[bytes | None]
    agent_index: Mapped[bytes | None]
    form_seconds: Mapped[int | None]
    origin: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"))  # landing, UTM
