"""The queue of each skill, with what a claim asks of a call; what verifiers earn."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

QUEUED = sa.text("status = 'queued'")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _name_lead_and_seller()
    op.create_index(
        "ix_verification_task_queue",
        "verification_task",
        ["vertical_id", "language", "is_urgent", "not_before", "place"],
        unique=False,
        postgresql_where=QUEUED,
    )
    _make_earnings()


def downgrade() -> None:
    op.drop_table("earning")
    op.drop_index("ix_verification_task_queue", "verification_task")
    op.drop_column("verification_task", "seller_id")
    op.drop_column("verification_task", "lead_id")


def _name_lead_and_seller() -> None:
    """Calls that wait already take theirs from their question."""
    for column, table in (("lead_id", "lead"), ("seller_id", "organization")):
        op.add_column("verification_task", sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_verification_task_{column}_{table}"),
            "verification_task",
            table,
            [column],
            ["id"],
        )
    op.execute(
        "UPDATE verification_task AS task"
        " SET lead_id = asked.lead_id, seller_id = asked.organization_id"
        " FROM inspection AS asked WHERE asked.id = task.inspection_id"
    )
    for column in ("lead_id", "seller_id"):
        op.alter_column("verification_task", column, nullable=False)


def _make_earnings() -> None:
    kind = sa.Enum(
        *("attempt", "result", "training"),
        name="earning_kind",
        native_enum=False,
        create_constraint=True,
        length=40,
    )
    op.create_table(
        "earning",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("ref_kind", sa.String(), nullable=False),
        sa.Column("ref_id", sa.Uuid(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("pay_amount", sa.BigInteger(), nullable=False),
        sa.Column("pay_currency", sa.String(length=3), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("pay_amount >= 0 AND calls > 0", name=op.f("ck_earning_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_earning_organization_id_organization"),
        ),
        sa.ForeignKeyConstraint(
            ["verifier_id"], ["user.id"], name=op.f("fk_earning_verifier_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_earning_vertical_id_vertical")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earning")),
        sa.UniqueConstraint("ref_kind", "ref_id", name=op.f("uq_earning_ref_kind_ref_id")),
    )
    for column in ("organization_id", "verifier_id"):
        op.create_index(op.f(f"ix_earning_{column}_created_at"), "earning", [column, "created_at"])
