"""Tables of the spot check. An inspection is one question about one lead; tasks answer it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column
from exchange.core.states import Graph


class DrawStatus(StrEnum):
    COMMITTED = "committed"  # the hash of the secret is public, no upload uses it yet
    ASSIGNED = "assigned"  # taken by an import before its file was read
    ROOTED = "rooted"  # the batch's root is public; the nonce is awaited
    DRAWN = "drawn"  # secret and seed are public


class Draw(Record):
    """Commit, seal, reveal: everything that makes the order of the sample recomputable."""

    KIND, PREFIX = "draw", "drw"
    TRANSITIONS: ClassVar[Graph] = {
        DrawStatus.COMMITTED: {DrawStatus.ASSIGNED},
        DrawStatus.ASSIGNED: {DrawStatus.ROOTED},
        DrawStatus.ROOTED: {DrawStatus.DRAWN},
        DrawStatus.DRAWN: set(),
    }
    __table_args__ = (
        # Each seller has one open commitment, published before the next upload.
        Index(None, "organization_id", unique=True, postgresql_where=text("status = 'committed'")),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    import_id: Mapped[UUID | None] = mapped_column(ForeignKey("import.id"), unique=True)
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"), unique=True)
    status: Mapped[DrawStatus] = mapped_column(
        enum_column(DrawStatus), default=DrawStatus.COMMITTED
    )
    commitment: Mapped[bytes]  # SHA-256 of the secret
    secret_key_version: Mapped[int]
    secret_wrapped: Mapped[bytes]
    assigned_at: Mapped[datetime | None]
    rooted_at: Mapped[datetime | None]
    nonce_until: Mapped[datetime | None]
    nonce: Mapped[str | None]  # the empty text when nobody gave one in time
    nonce_by: Mapped[str | None]  # seller, witness or nobody
    beacon: Mapped[str] = mapped_column(default="")  # a slot for a public beacon
    secret: Mapped[bytes | None]  # revealed with the seed
    seed: Mapped[bytes | None]
    drawn_at: Mapped[datetime | None]


class SampleStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"


class Sample(Record):
    """The drawn leads of one batch, the plan's numbers as they were, and the tally."""

    KIND, PREFIX = "sample", "smp"
    TRANSITIONS: ClassVar[Graph] = {
        SampleStatus.OPEN: {
            SampleStatus.ACCEPTED, SampleStatus.REJECTED, SampleStatus.UNDECIDED,
        },
        SampleStatus.ACCEPTED: set(),
        SampleStatus.REJECTED: set(),
        SampleStatus.UNDECIDED: set(),
    }  # fmt: skip

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"), unique=True)
    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draw.id"), unique=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the seller
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    status: Mapped[SampleStatus] = mapped_column(
        enum_column(SampleStatus), default=SampleStatus.OPEN
    )
    plan: Mapped[dict[str, Any]] = mapped_column()  # name, population, looks, accept, reject
    called_ahead: Mapped[int] = mapped_column(default=0)  # the first so many positions have tasks
    n: Mapped[int] = mapped_column(default=0)  # final at the decision
    good: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    unresolved: Mapped[int] = mapped_column(default=0)  # open after the decision policy
    reach_norm: Mapped[dict[str, int] | None] = mapped_column(JSONB)  # usual when it was drawn
    reached: Mapped[int | None]  # of `n`
    bad_upper: Mapped[float | None]  # exact one-sided 95 % bound, stage-wise
    stage: Mapped[int | None]  # the look that decided, from 1
    decided_at: Mapped[datetime | None]


class InspectionPurpose(StrEnum):
    SAMPLE = "sample"
    FULL_INSPECTION = "full_inspection"
    RETURN = "return"
    GUARANTEE = "guarantee"
    GOLD = "gold"
    DOUBLE = "double"  # of a good answer, at random
    SOURCE = "source"  # the extra draw of one declared source
    FOLLOW_UP = "follow_up"  # attempts after those that decide a look


# What a lot's decision is made by; `ref` of these is the sample.
OF_SAMPLE: Final = frozenset({InspectionPurpose.SAMPLE, InspectionPurpose.SOURCE})
# What these find shows nothing and acts on nobody before their lot is decided: a seller would count
# along.
OF_THE_DECISION: Final = OF_SAMPLE | {InspectionPurpose.DOUBLE, InspectionPurpose.FOLLOW_UP}


class InspectionStatus(StrEnum):
    OPEN = "open"
    CONCLUDED = "concluded"
    CANCELLED = "cancelled"


class OutcomeClass(StrEnum):
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"  # nothing is known: counts as not bad for the decision and is published


class Inspection(Record):
    """One question about one lead, asked by whoever `ref` names (decision 37)."""

    KIND, PREFIX = "inspection", "isp"
    TRANSITIONS: ClassVar[Graph] = {
        InspectionStatus.OPEN: {InspectionStatus.CONCLUDED, InspectionStatus.CANCELLED},
        # An undo takes a conclusion back while nothing was decided by it.
        InspectionStatus.CONCLUDED: {InspectionStatus.OPEN},
        InspectionStatus.CANCELLED: set(),
    }
    __table_args__ = (
        UniqueConstraint("purpose", "ref_id", "lead_id"),
        UniqueConstraint("ref_id", "position"),
        Index(None, "lead_id"),
        # Who is still to be called of a full inspection, however many were.
        Index(
            None,
            "ref_id",
            "position",
            postgresql_where=text("status = 'open' AND purpose = 'full_inspection'"),
        ),
        CheckConstraint("verdicts_needed BETWEEN 1 AND 3", name="verdicts_needed"),
        CheckConstraint("(status = 'concluded') = (outcome IS NOT NULL)", name="outcome_known"),
    )

    purpose: Mapped[InspectionPurpose] = mapped_column(enum_column(InspectionPurpose))
    ref_kind: Mapped[str]
    ref_id: Mapped[UUID]
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"))
    organization_id: Mapped[UUID]  # the seller: nobody checks their own organization's leads
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    position: Mapped[int | None]  # in the draw order, from 1
    leaf_index: Mapped[int | None]  # of the drawn lead among the leaves, from 0
    is_counted: Mapped[bool] = mapped_column(default=False)  # in the tally of the decision
    verdicts_needed: Mapped[int] = mapped_column(default=1)
    status: Mapped[InspectionStatus] = mapped_column(
        enum_column(InspectionStatus), default=InspectionStatus.OPEN
    )
    outcome: Mapped[OutcomeClass | None] = mapped_column(enum_column(OutcomeClass))
    code: Mapped[str | None]  # the outcome code behind it
    due_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]


class TaskStatus(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SUBMITTED = "submitted"
    CANCELLED = "cancelled"


class VerificationTask(Record):
    """One lead to call. A lease expires; what was typed is kept."""

    KIND, PREFIX = "task", "task"
    TRANSITIONS: ClassVar[Graph] = {
        TaskStatus.QUEUED: {TaskStatus.CLAIMED, TaskStatus.CANCELLED},
        TaskStatus.CLAIMED: {TaskStatus.SUBMITTED, TaskStatus.QUEUED},
        TaskStatus.SUBMITTED: {TaskStatus.CLAIMED},  # an undo
        TaskStatus.CANCELLED: set(),
    }
    __table_args__ = (
        # Promised call-backs of one verifier, everybody's queue, and that of each skill.
        Index(
            None, "promised_to_id", "not_before",
            postgresql_where=text("status = 'queued' AND promised_to_id IS NOT NULL"),
        ),
        Index(
            None, "is_urgent", "not_before", "place", postgresql_where=text("status = 'queued'")
        ),
        Index(
            "ix_verification_task_queue",
            "vertical_id", "language", "is_urgent", "not_before", "place",
            postgresql_where=text("status = 'queued'"),
        ),
        Index(None, "inspection_id"),
        # Nobody is on two calls at once.
        Index(None, "claimed_by_id", unique=True, postgresql_where=text("status = 'claimed'")),
        CheckConstraint(
            "status <> 'claimed' OR (claimed_by_id IS NOT NULL AND lease_until IS NOT NULL"
            " AND claimed_at IS NOT NULL)",
            name="lease",
        ),
    )  # fmt: skip

    inspection_id: Mapped[UUID] = mapped_column(ForeignKey("inspection.id"))
    # Of the inspection, repeated so that a claim walks one index. It is the seller's.
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    language: Mapped[str]
    time_zone: Mapped[str]  # the person's, for legal hours
    status: Mapped[TaskStatus] = mapped_column(enum_column(TaskStatus), default=TaskStatus.QUEUED)
    is_urgent: Mapped[bool] = mapped_column(default=False)  # the person asked a short time ago
    not_before: Mapped[datetime]
    place: Mapped[int] = mapped_column(default=0)  # among tasks that are due at one moment
    attempts: Mapped[int] = mapped_column(default=0)  # calls that reached nobody who could talk
    claimed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    promised_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))  # a call-back
    only_for_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))  # a known answer
    claimed_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_number: Mapped[int] = mapped_column(default=0)  # fences a worker whose lease is over
    draft: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class Verdict(Record):
    """What one verifier found in one call. Never changed; an undo is within its grace only."""

    KIND, PREFIX = "verdict", "ver"
    __table_args__ = (
        UniqueConstraint("task_id", "lease_number"),  # one call, one verdict
        Index(None, "inspection_id"),
        Index(None, "verifier_id", "created_at"),
        Index(None, "lead_id", "verifier_id"),  # who judged a lead is not given it again
        # Nobody checks leads of their own organization.
        CheckConstraint("organization_id <> seller_id", name="not_own_leads"),
    )

    task_id: Mapped[UUID] = mapped_column(ForeignKey("verification_task.id"))
    lease_number: Mapped[int]
    inspection_id: Mapped[UUID] = mapped_column(ForeignKey("inspection.id"))
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"))
    verifier_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the verifier's
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    code: Mapped[str]  # the outcome code
    outcome: Mapped[OutcomeClass | None] = mapped_column(
        enum_column(OutcomeClass)
    )  # NULL: not final
    note: Mapped[str] = mapped_column(default="")
    corrections: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    answers: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"))  # by what is asked
    seconds: Mapped[int]  # from claim to submit
    undone_at: Mapped[datetime | None]
