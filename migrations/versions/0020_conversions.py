"""Actions under CPA: pools of money, what buyers report, and what is paid of a line."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

REASONS = (
    "topped_up", "held", "hold_released", "delivered", "sale_settled", "sale_reversed", "refunded",
    "reserve_released", "payout_requested", "payout_paid", "payout_failed", "processing_fee",
    "verification_paid", "inspected", "correction",
)  # fmt: skip
ADDED = ("action_approved", "debt_repaid")
REFUSALS = (
    "outbid", "price", "not_active", "not_started", "ended", "schedule", "changed", "trial", "cap",
    "funds", "own_leads", "buyer_not_approved", "buyer_not_wanted", "source_not_approved",
    "source_refused", "duplicate", "suppressed", "not_named",
)  # fmt: skip
LIVE = "status IN ('pending', 'on_hold', 'approved')"
WAITING = "pricing_model = 'cpa' AND status IN ('reserved', 'delivered')"
ENDED = "pricing_model = 'cpa' AND status = 'settled'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _allow_reasons(REASONS + ADDED)
    _allow_refusals((*REFUSALS, "per_action"))
    _pools()
    _lines()
    _conversions()


def _allow_reasons(words: tuple[str, ...]) -> None:
    op.drop_constraint("reason", "posting", type_="check")
    op.create_check_constraint("reason", "posting", sa.column("reason").in_(words))


def _allow_refusals(words: tuple[str, ...]) -> None:
    op.drop_constraint("refusal", "contract_refusal", type_="check")
    op.create_check_constraint("refusal", "contract_refusal", sa.column("reason").in_(words))


def _pools() -> None:
    op.create_table(
        "pool",
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
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("sized_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_amount >= 0", name=op.f("ck_pool_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_pool_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool")),
    )
    op.create_index(
        op.f("ix_pool_subject_kind_subject_id"), "pool", ["subject_kind", "subject_id"], unique=True
    )
    op.create_index(op.f("ix_pool_organization_id"), "pool", ["organization_id"])


def _lines() -> None:
    op.add_column(
        "order_line",
        sa.Column(
            "action",
            sa.Enum(
                "none",
                "reported",
                "paid",
                name="line_action",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="none",
            nullable=False,
        ),
    )
    op.create_index(
        "ix_order_line_waiting", "order_line", ["contract_id"], postgresql_where=sa.text(WAITING)
    )
    op.create_index("ix_order_line_ended", "order_line", ["id"], postgresql_where=sa.text(ENDED))


def _conversions() -> None:
    op.create_table(
        "conversion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "on_hold",
                "approved",
                "rejected",
                "reversed",
                name="conversion_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("by_default", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("explanation", sa.String(), nullable=False),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("price_amount > 0", name=op.f("ck_conversion_price")),
        sa.CheckConstraint("owed BETWEEN 0 AND price_amount", name=op.f("ck_conversion_owed")),
        sa.CheckConstraint(
            "(status IN ('rejected', 'reversed')) = (reason <> '')",
            name=op.f("ck_conversion_reason"),
        ),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_conversion_{column}"))
            for column, target in (
                ("contract_id", "contract.id"),
                ("line_id", "order_line.id"),
                ("lead_id", "lead.id"),
                ("buyer_id", "organization.id"),
                ("seller_id", "organization.id"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversion")),
        sa.UniqueConstraint(
            "contract_id", "reference", name=op.f("uq_conversion_contract_id_reference")
        ),
    )
    op.create_index(
        "uq_conversion_live_line_id",
        "conversion",
        ["line_id"],
        unique=True,
        postgresql_where=sa.text(LIVE),
    )
    for columns in (["line_id"], ["buyer_id", "id"], ["seller_id", "id"]):
        op.create_index(op.f(f"ix_conversion_{'_'.join(columns)}"), "conversion", columns)
    op.create_index(
        op.f("ix_conversion_decide_by"),
        "conversion",
        ["decide_by"],
        postgresql_where=sa.text("status = 'on_hold'"),
    )
    op.create_index(
        op.f("ix_conversion_id"),
        "conversion",
        ["id"],
        postgresql_where=sa.text("status = 'approved' AND settled_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("conversion")
    op.drop_index("ix_order_line_ended", table_name="order_line")
    op.drop_index("ix_order_line_waiting", table_name="order_line")
    op.drop_column("order_line", "action")
    op.drop_table("pool")
    op.execute("DELETE FROM contract_refusal WHERE reason = 'per_action'")
    _allow_refusals(REFUSALS)
    _allow_reasons(REASONS)
