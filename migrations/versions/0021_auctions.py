"""Auctions: what is offered by sealed bids, the bids, and the chain of their arrivals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "auction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column(
            "listing_mode",
            sa.Enum(
                "fixed",
                "auction",
                "contracts",
                "targeted",
                name="listing_mode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("floor_amount", sa.BigInteger(), nullable=False),
        sa.Column("floor_currency", sa.String(length=3), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "scheduled",
                "open",
                "closed",
                "awarded",
                "void",
                name="auction_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("offered", sa.Integer(), nullable=True),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_auction_times")),
        sa.CheckConstraint("units > 0 AND floor_amount > 0", name=op.f("ck_auction_offer")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_auction_listing_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_auction_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auction")),
    )
    op.create_index(
        op.f("ix_auction_organization_id"), "auction", ["organization_id"], unique=False
    )
    op.create_index(
        op.f("ix_auction_status_closes_at"), "auction", ["status", "closes_at"], unique=False
    )
    op.create_index(
        "uq_auction_listing_id",
        "auction",
        ["listing_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('scheduled', 'open', 'closed')"),
    )
    op.create_table(
        "auction_entry",
        sa.Column("auction_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "bid",
                "withdrawal",
                "close",
                name="entry_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("bidder", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["auction_id"], ["auction.id"], name=op.f("fk_auction_entry_auction_id")
        ),
        sa.PrimaryKeyConstraint("auction_id", "sequence", name=op.f("pk_auction_entry")),
    )
    op.create_table(
        "bid",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("auction_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("held_amount", sa.BigInteger(), nullable=False),
        sa.Column("held_currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "sealed",
                "withdrawn",
                "opened",
                "won",
                "lost",
                name="bid_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_replaced", sa.Boolean(), nullable=False),
        sa.Column("placed_by_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("units", sa.Integer(), nullable=True),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("units_won", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(amount IS NULL) = (status IN ('sealed', 'withdrawn'))", name=op.f("ck_bid_unread")
        ),
        sa.ForeignKeyConstraint(["auction_id"], ["auction.id"], name=op.f("fk_bid_auction_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_bid_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bid")),
        sa.UniqueConstraint("auction_id", "sequence", name=op.f("uq_bid_auction_id_sequence")),
    )
    op.create_index(
        op.f("ix_bid_organization_id_id"), "bid", ["organization_id", "id"], unique=False
    )
    op.create_index(
        "uq_bid_auction_id_organization_id",
        "bid",
        ["auction_id", "organization_id"],
        unique=True,
        postgresql_where=sa.text("status = 'sealed'"),
    )
    op.execute("REVOKE UPDATE, DELETE ON auction_entry FROM exchange_app")
    op.execute(
        "CREATE TRIGGER auction_entry_append_only BEFORE UPDATE OR DELETE ON auction_entry"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER auction_entry_keep BEFORE TRUNCATE ON auction_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.add_column("purchase", sa.Column("bid_id", sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f("uq_purchase_bid_id"), "purchase", ["bid_id"])
    op.create_foreign_key(op.f("fk_purchase_bid_id"), "purchase", "bid", ["bid_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_purchase_bid_id"), "purchase", type_="foreignkey")
    op.drop_constraint(op.f("uq_purchase_bid_id"), "purchase", type_="unique")
    op.drop_column("purchase", "bid_id")
    op.drop_index(
        "uq_bid_auction_id_organization_id",
        table_name="bid",
        postgresql_where=sa.text("status = 'sealed'"),
    )
    op.drop_index(op.f("ix_bid_organization_id_id"), table_name="bid")
    op.drop_table("bid")
    op.drop_table("auction_entry")
    op.drop_index(
        "uq_auction_listing_id",
        table_name="auction",
        postgresql_where=sa.text("status IN ('scheduled', 'open', 'closed')"),
    )
    op.drop_index(op.f("ix_auction_status_closes_at"), table_name="auction")
    op.drop_index(op.f("ix_auction_organization_id"), table_name="auction")
    op.drop_table("auction")
