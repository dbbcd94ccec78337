"""What follows a sample: the norm of its second gate, full inspections, runs of the guarantee."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REASONS = (
    "topped_up", "held", "hold_released", "delivered", "sale_settled", "sale_reversed", "refunded",
    "reserve_released", "payout_requested", "payout_paid", "payout_failed", "processing_fee",
    "verification_paid", "correction",
)  # fmt: skip
ADDED = ("inspected",)
OPEN_ONES = "status = 'open' AND purpose = 'full_inspection'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _allow_reasons(REASONS + ADDED)
    op.add_column(
        "sample",
        sa.Column("reach_norm", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )
    op.add_column("sample", sa.Column("reached", sa.Integer(), nullable=True))
    op.create_index(
        op.f("ix_inspection_ref_id_position"),
        "inspection",
        ["ref_id", "position"],
        unique=False,
        postgresql_where=sa.text(OPEN_ONES),
    )
    op.create_table(
        "full_inspection",
        *_of_a_lot("full_inspection", ("running", "concluded", "stopped")),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        *_counts("asked", "from_wallet", "called_upto", "good", "bad", "unresolved"),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "asked > 0 AND called_upto <= asked", name=op.f("ck_full_inspection_asked")
        ),
        sa.CheckConstraint(
            "from_wallet BETWEEN 0 AND asked * price_amount",
            name=op.f("ck_full_inspection_from_wallet"),
        ),
    )
    op.create_table(
        "guarantee_run",
        *_of_a_lot("guarantee_run", ("sampling", "cleared", "triggered", "inspection", "refunded")),
        *_counts("returned", "sold", "known_bad", "unchecked", "drawn", "limit_bps"),
        *_counts("good", "bad", "unresolved"),
        sa.Column("lower", sa.Float(), nullable=True),
        sa.Column("estimate", sa.Float(), nullable=True),
        sa.Column("choose_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "drawn BETWEEN 1 AND unchecked AND unchecked <= sold",
            name=op.f("ck_guarantee_run_drawn"),
        ),
        sa.UniqueConstraint("batch_id", name=op.f("uq_guarantee_run_batch_id")),
    )
    op.create_index(
        op.f("ix_full_inspection_batch_id_created_at"),
        "full_inspection",
        ["batch_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_full_inspection_batch_id_running",
        "full_inspection",
        ["batch_id"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )


def downgrade() -> None:
    op.drop_table("guarantee_run")
    op.drop_table("full_inspection")
    op.drop_index(
        op.f("ix_inspection_ref_id_position"),
        table_name="inspection",
        postgresql_where=sa.text(OPEN_ONES),
    )
    op.drop_column("sample", "reached")
    op.drop_column("sample", "reach_norm")
    _allow_reasons(REASONS)


def _allow_reasons(reasons: tuple[str, ...]) -> None:
    op.drop_constraint("reason", "posting", type_="check")
    op.create_check_constraint("reason", "posting", sa.column("reason").in_(reasons))


def _of_a_lot(table: str, states: tuple[str, ...]) -> list[sa.schema.SchemaItem]:
    """The columns that both tables begin with: whose lot, and how far it is."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                *states,
                name=f"{table}_status" if table == "full_inspection" else "guarantee_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f(f"fk_{table}_batch_id_batch")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f(f"fk_{table}_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def _counts(*names: str) -> list[sa.schema.SchemaItem]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]
