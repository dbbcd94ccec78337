"""Tables of the checks on those who check: calls whose answer is known, exams, and appeals."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.catalog.scripts import Outcome
from exchange.core.db import Record, enum_column
from exchange.core.states import Graph
from exchange.verification.models import OutcomeClass


class GoldOrigin(StrEnum):
    CONFIRMED = "confirmed"  # a lead about which two verifiers said the same
    SEEDED = "seeded"  # a test identity: somebody agreed to answer that number


class GoldCaseStatus(StrEnum):
    ACTIVE = "active"
    RETIRED = "retired"


class GoldCase(Record):
    """A lead whose right answer is known."""

    KIND, PREFIX = "gold_case", "gld"
    TRANSITIONS: ClassVar[Graph] = {
        GoldCaseStatus.ACTIVE: {GoldCaseStatus.RETIRED},
        GoldCaseStatus.RETIRED: set(),
    }
    __table_args__ = (
        Index(None, "vertical_id", "language", postgresql_where=text("status = 'active'")),
        CheckConstraint("truth IN ('good', 'bad')", name="truth_known"),
    )

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"), unique=True)
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    language: Mapped[str]
    time_zone: Mapped[str]  # the person's, for legal hours
    origin: Mapped[GoldOrigin] = mapped_column(enum_column(GoldOrigin))
    truth: Mapped[OutcomeClass] = mapped_column(enum_column(OutcomeClass))
    codes: Mapped[list[str]] = mapped_column()  # the outcomes that count as right, the best first
    calls_max: Mapped[int | None]  # how often that number is called for it; NULL: burdens nobody
    status: Mapped[GoldCaseStatus] = mapped_column(
        enum_column(GoldCaseStatus), default=GoldCaseStatus.ACTIVE
    )
    status_reason: Mapped[str] = mapped_column(default="")

    @property
    def is_answered(self) -> bool:
        """Whether "no answer" is wrong: somebody waits for the call, or the line is dead."""
        return self.origin is GoldOrigin.SEEDED or self.codes[0] == Outcome.NUMBER_DEAD


class ExamStatus(StrEnum):
    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


class Exam(Record):
    """Known calls in a row that qualify somebody for a vertical in a language."""

    KIND, PREFIX = "exam", "exm"
    TRANSITIONS: ClassVar[Graph] = {
        ExamStatus.OPEN: {ExamStatus.PASSED, ExamStatus.FAILED},
        ExamStatus.PASSED: set(),
        ExamStatus.FAILED: set(),
    }
    __table_args__ = (
        # Nobody sits two exams at once: a call would not know to which it belongs.
        Index(None, "verifier_id", unique=True, postgresql_where=text("status = 'open'")),
        Index(None, "qualification_id"),
    )

    qualification_id: Mapped[UUID] = mapped_column(ForeignKey("qualification.id"))
    verifier_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the verifier's
    status: Mapped[ExamStatus] = mapped_column(enum_column(ExamStatus), default=ExamStatus.OPEN)
    errors: Mapped[int] = mapped_column(default=0)  # final at the decision
    decided_at: Mapped[datetime | None]


class GoldCheck(Record):
    """One case given to one verifier, once and never again. Its inspection has the answer."""

    KIND, PREFIX = "gold_check", "gck"
    __table_args__ = (
        UniqueConstraint("verifier_id", "case_id"),
        # A waiting call is preceded by one known call at most, however often it is taken.
        UniqueConstraint("verifier_id", "instead_of_id"),
        Index(None, "case_id"),
        Index(None, "exam_id"),
        CheckConstraint("(exam_id IS NULL) <> (instead_of_id IS NULL)", name="occasion"),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("gold_case.id"))
    verifier_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the verifier's
    exam_id: Mapped[UUID | None] = mapped_column(ForeignKey("exam.id"))
    instead_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("verification_task.id"))
    is_skipped: Mapped[bool] = mapped_column(default=False)  # does not come back
    is_void: Mapped[bool] = mapped_column(default=False)  # an appeal was right: it counts nowhere


class AppealStatus(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"  # the verifier was right
    REFUSED = "refused"


class Appeal(Record):
    """A verifier says that a known answer is wrong; somebody else decides."""

    KIND, PREFIX = "appeal", "apl"
    TRANSITIONS: ClassVar[Graph] = {
        AppealStatus.OPEN: {AppealStatus.UPHELD, AppealStatus.REFUSED},
        AppealStatus.UPHELD: set(),
        AppealStatus.REFUSED: set(),
    }
    __table_args__ = (
        Index(None, "status", postgresql_where=text("status = 'open'")),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> verifier_id", name="own_case"),
    )

    check_id: Mapped[UUID] = mapped_column(ForeignKey("gold_check.id"), unique=True)
    verdict_id: Mapped[UUID] = mapped_column(ForeignKey("verdict.id"))
    verifier_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the verifier's
    text: Mapped[str]
    status: Mapped[AppealStatus] = mapped_column(
        enum_column(AppealStatus), default=AppealStatus.OPEN
    )
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
