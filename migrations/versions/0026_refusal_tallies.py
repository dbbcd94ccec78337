"""Refusals of a round are noted in one row for each reason, and counted by day afterwards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

REASONS = (
    "outbid", "price", "per_action", "not_active", "not_started", "ended", "schedule", "changed",
    "trial", "cap", "funds", "own_leads", "buyer_not_approved", "buyer_not_wanted",
    "source_not_approved", "source_refused", "duplicate", "suppressed", "not_named",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "refusal_tally",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(*REASONS, name="refusal", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("contract_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("leads", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal_tally")),
    )


def downgrade() -> None:
    op.drop_table("refusal_tally")
