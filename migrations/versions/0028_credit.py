"""Credit limits of buyers, proposed by one person and approved by another."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "credit_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("amount_amount", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "approved",
                "declined",
                name="credit_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        *_rules(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_limit")),
    )
    op.create_index(op.f("ix_credit_limit_organization_id"), "credit_limit", ["organization_id"])
    op.create_index(
        "uq_credit_limit_waiting",
        "credit_limit",
        ["organization_id", "amount_currency"],
        unique=True,
        postgresql_where=sa.text("status = 'proposed'"),
    )


def _rules() -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint("amount_amount >= 0", name=op.f("ck_credit_limit_amount")),
        sa.CheckConstraint(
            "(status = 'proposed') = (decided_by_id IS NULL)", name=op.f("ck_credit_limit_decided")
        ),
        sa.CheckConstraint(
            "status <> 'approved' OR decided_by_id <> proposed_by_id",
            name=op.f("ck_credit_limit_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_credit_limit_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["user.id"], name=op.f("fk_credit_limit_proposed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name=op.f("fk_credit_limit_decided_by_id")
        ),
    )


def downgrade() -> None:
    op.drop_table("credit_limit")
