"""Offers: contracts that sellers join, and the lots that are grown for one contract alone."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TARGETED = "(kind = 'targeted') = (contract_id IS NOT NULL)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _offers()
    _targeted()
    _one_lot_each()


def _offers() -> None:
    op.create_table(
        "offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("headline", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "published",
                "unpublished",
                name="offer_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_offer_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_offer_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("contract_id", name=op.f("uq_offer_contract_id")),
    )
    op.create_index(op.f("ix_offer_organization_id"), "offer", ["organization_id"])


def _targeted() -> None:
    for table in ("batch", "source_terms"):
        op.add_column(table, sa.Column("contract_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_contract_id"), table, "contract", ["contract_id"], ["id"]
        )
        op.create_index(
            op.f(f"ix_{table}_contract_id"),
            table,
            ["contract_id"],
            postgresql_where=sa.text("contract_id IS NOT NULL"),
        )
        op.create_check_constraint(op.f(f"ck_{table}_targeted"), table, TARGETED)
    op.add_column(
        "source_terms", sa.Column("closed_reason", sa.String(), server_default="", nullable=False)
    )


def _one_lot_each() -> None:
    op.drop_constraint(op.f("uq_source_terms_source_id_vertical_id"), "source_terms")
    op.create_unique_constraint(
        op.f("uq_source_terms_source_id_vertical_id_contract_id"),
        "source_terms",
        ["source_id", "vertical_id", "contract_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index(op.f("ix_batch_source_id_vertical_id"), table_name="batch")
    op.create_index(
        op.f("ix_batch_source_id_vertical_id_contract_id"),
        "batch",
        ["source_id", "vertical_id", "contract_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status = 'open'"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_batch_source_id_vertical_id_contract_id"), table_name="batch")
    op.create_index(
        op.f("ix_batch_source_id_vertical_id"),
        "batch",
        ["source_id", "vertical_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.drop_constraint(op.f("uq_source_terms_source_id_vertical_id_contract_id"), "source_terms")
    op.create_unique_constraint(
        op.f("uq_source_terms_source_id_vertical_id"), "source_terms", ["source_id", "vertical_id"]
    )
    op.drop_column("source_terms", "closed_reason")
    for table in ("source_terms", "batch"):
        op.drop_constraint(op.f(f"ck_{table}_targeted"), table)
        op.drop_column(table, "contract_id")
    op.drop_table("offer")
