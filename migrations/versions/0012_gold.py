"""Known answers, exams and appeals: how those who check are checked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COUNTERS = ("practised", "skips_in_a_row")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in COUNTERS:
        column = sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        op.add_column("qualification", column)
    op.add_column("verification_task", sa.Column("only_for_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_verification_task_only_for_id"),
        "verification_task",
        "user",
        ["only_for_id"],
        ["id"],
    )
    _create_cases()
    _create_exams()
    _create_checks()
    _create_appeals()


def downgrade() -> None:
    for table in ("appeal", "gold_check", "exam", "gold_case"):
        op.drop_table(table)
    op.drop_column("verification_task", "only_for_id")
    for name in COUNTERS:
        op.drop_column("qualification", name)


def _create_cases() -> None:
    op.create_table(
        "gold_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "confirmed",
                "seeded",
                name="gold_origin",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "truth",
            sa.Enum(
                "good",
                "bad",
                "open",
                name="outcome_class",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("codes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("calls_max", sa.Integer(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "retired",
                name="gold_case_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("status_reason", sa.String(), nullable=False),
        sa.CheckConstraint("truth IN ('good', 'bad')", name=op.f("ck_gold_case_truth_known")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_gold_case_lead_id")),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_gold_case_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gold_case")),
        sa.UniqueConstraint("lead_id", name=op.f("uq_gold_case_lead_id")),
    )
    op.create_index(
        op.f("ix_gold_case_vertical_id_language"),
        "gold_case",
        ["vertical_id", "language"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )


def _create_exams() -> None:
    op.create_table(
        "exam",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("qualification_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "passed",
                "failed",
                name="exam_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["qualification_id"], ["qualification.id"], name=op.f("fk_exam_qualification_id")
        ),
        sa.ForeignKeyConstraint(["verifier_id"], ["user.id"], name=op.f("fk_exam_verifier_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_exam_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam")),
    )
    op.create_index(op.f("ix_exam_qualification_id"), "exam", ["qualification_id"], unique=False)
    op.create_index(
        op.f("ix_exam_verifier_id"),
        "exam",
        ["verifier_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )


def _create_checks() -> None:
    op.create_table(
        "gold_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=True),
        sa.Column("instead_of_id", sa.Uuid(), nullable=True),
        sa.Column("is_skipped", sa.Boolean(), nullable=False),
        sa.Column("is_void", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(exam_id IS NULL) <> (instead_of_id IS NULL)", name=op.f("ck_gold_check_occasion")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["gold_case.id"], name=op.f("fk_gold_check_case_id")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_gold_check_exam_id")),
        sa.ForeignKeyConstraint(
            ["instead_of_id"], ["verification_task.id"], name=op.f("fk_gold_check_instead_of_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_gold_check_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["verifier_id"], ["user.id"], name=op.f("fk_gold_check_verifier_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gold_check")),
        sa.UniqueConstraint(
            "verifier_id", "case_id", name=op.f("uq_gold_check_verifier_id_case_id")
        ),
        sa.UniqueConstraint(
            "verifier_id", "instead_of_id", name=op.f("uq_gold_check_verifier_id_instead_of_id")
        ),
    )
    op.create_index(op.f("ix_gold_check_case_id"), "gold_check", ["case_id"], unique=False)
    op.create_index(op.f("ix_gold_check_exam_id"), "gold_check", ["exam_id"], unique=False)


def _create_appeals() -> None:
    op.create_table(
        "appeal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("verdict_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "upheld",
                "refused",
                name="appeal_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> verifier_id", name=op.f("ck_appeal_own_case")
        ),
        sa.ForeignKeyConstraint(["check_id"], ["gold_check.id"], name=op.f("fk_appeal_check_id")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name=op.f("fk_appeal_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_appeal_organization_id")
        ),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"], name=op.f("fk_appeal_verdict_id")),
        sa.ForeignKeyConstraint(["verifier_id"], ["user.id"], name=op.f("fk_appeal_verifier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("check_id", name=op.f("uq_appeal_check_id")),
    )
    op.create_index(
        op.f("ix_appeal_status"),
        "appeal",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
