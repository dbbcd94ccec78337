"""Contracts: standing orders of buyers; ways to sell a lot beside a fixed price."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MODES = ("fixed", "auction", "contracts", "targeted")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _contracts()
    _listings()
    _orders()


def _contracts() -> None:
    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("schema_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "active",
                "paused",
                "ended",
                name="contract_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("pause_reason", sa.String(), nullable=False),
        sa.Column(
            "pricing_model",
            sa.Enum(
                "cpl",
                "cpa",
                name="pricing_model",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("ranked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_contract_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["schema_id"], ["lead_schema.id"], name=op.f("fk_contract_schema_id")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_contract_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
    )
    op.create_index(op.f("ix_contract_changed_at"), "contract", ["changed_at"], unique=False)
    op.create_index(
        op.f("ix_contract_organization_id_status"),
        "contract",
        ["organization_id", "status"],
        unique=False,
    )
    op.create_index(
        op.f("ix_contract_vertical_id_status"), "contract", ["vertical_id", "status"], unique=False
    )
    op.create_table(
        "contract_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("price_amount > 0", name=op.f("ck_contract_terms_price")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_terms_contract_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_terms")),
        sa.UniqueConstraint(
            "contract_id", "version", name=op.f("uq_contract_terms_contract_id_version")
        ),
    )
    op.create_table(
        "contract_source",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "approved",
                "refused",
                name="contract_source_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_source_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_contract_source_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_contract_source_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_source")),
        sa.UniqueConstraint(
            "contract_id", "source_id", name=op.f("uq_contract_source_contract_id_source_id")
        ),
    )
    op.create_index(
        op.f("ix_contract_source_source_id"), "contract_source", ["source_id"], unique=False
    )
    op.create_table(
        "cap_use",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column(
            "period",
            sa.Enum(
                "hour",
                "day",
                "week",
                "month",
                "total",
                name="period",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("leads >= 0 AND amount >= 0", name=op.f("ck_cap_use_used")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_cap_use_contract_id")
        ),
        sa.PrimaryKeyConstraint("contract_id", "period", "starts_at", name=op.f("pk_cap_use")),
    )


def _listings() -> None:
    op.add_column(
        "listing",
        sa.Column(
            "mode",
            sa.Enum(
                *MODES,
                name="listing_mode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="fixed",
            nullable=False,
        ),
    )
    for name, empty in (("criteria", "'{}'"), ("buyers_only", "'[]'"), ("buyers_never", "'[]'")):
        column = sa.Column(name, postgresql.JSONB(), server_default=sa.text(empty), nullable=False)
        op.add_column("listing", column)
    op.add_column("listing", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("uq_listing_batch_id", "listing", type_="unique")
    op.create_index(op.f("ix_listing_batch_id"), "listing", ["batch_id"])
    op.create_index(
        "uq_listing_batch_id",
        "listing",
        ["batch_id"],
        unique=True,
        postgresql_where=sa.text("criteria = '{}'"),
    )


def _orders() -> None:
    op.add_column("purchase", sa.Column("contract_id", sa.Uuid(), nullable=True))
    op.add_column("purchase", sa.Column("contract_version", sa.Integer(), nullable=True))
    op.add_column("order_line", sa.Column("contract_id", sa.Uuid(), nullable=True))
    for table in ("purchase", "order_line"):
        key = op.f(f"fk_{table}_contract_id")
        op.create_foreign_key(key, table, "contract", ["contract_id"], ["id"])
    op.create_index(op.f("ix_purchase_contract_id"), "purchase", ["contract_id"])
    op.create_index(
        op.f("ix_order_line_contract_id_id"),
        "order_line",
        ["contract_id", "id"],
        postgresql_where=sa.text("contract_id IS NOT NULL"),
    )
    op.add_column(
        "order_line",
        sa.Column(
            "pricing_model",
            sa.Enum(
                "cpl",
                "cpa",
                name="pricing_model",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="cpl",
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.drop_column("order_line", "pricing_model")
    op.drop_column("order_line", "contract_id")
    op.drop_column("purchase", "contract_version")
    op.drop_column("purchase", "contract_id")
    op.drop_index("uq_listing_batch_id", table_name="listing")
    op.drop_index(op.f("ix_listing_batch_id"), table_name="listing")
    op.create_unique_constraint("uq_listing_batch_id", "listing", ["batch_id"])
    for name in ("expires_at", "buyers_never", "buyers_only", "criteria", "mode"):
        op.drop_column("listing", name)
    for table in ("cap_use", "contract_source", "contract_terms", "contract"):
        op.drop_table(table)
