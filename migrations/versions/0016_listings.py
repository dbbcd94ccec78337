"""Filters over a lot, prices that fall, aged leads, test purchases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MODES = ("fixed", "auction", "contracts", "targeted")
WHOLE = sa.text("criteria = '{}'")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("aged_at", "first_sold_at"):
        op.add_column("lead", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    _listings()
    _terms()
    op.add_column("purchase", sa.Column("test_seed", sa.LargeBinary(), nullable=True))
    op.create_index(
        "uq_purchase_test",
        "purchase",
        ["buyer_id", "listing_id"],
        unique=True,
        postgresql_where=sa.text("test_seed IS NOT NULL"),
    )


def _listings() -> None:
    for column in (
        _filled("criteria_path", sa.String(), "'true'"),
        sa.Column("is_aged", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("warned_of", sa.DateTime(timezone=True), nullable=True),
        _filled("decay", postgresql.JSONB(), "'{}'"),
        sa.Column("reprices_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("listing", column)
    op.drop_index("uq_listing_batch_id", table_name="listing")
    op.create_index(
        "uq_listing_batch_id",
        "listing",
        ["batch_id", "is_aged"],
        unique=True,
        postgresql_where=WHOLE,
    )
    for name in ("expires_at", "reprices_at"):
        op.create_index(
            op.f(f"ix_listing_{name}"),
            "listing",
            [name],
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )


def _terms() -> None:
    mode = sa.Enum(
        *MODES, name="listing_mode", native_enum=False, create_constraint=True, length=40
    )
    op.add_column("listing_terms", sa.Column("mode", mode, server_default="fixed", nullable=False))
    op.add_column("listing_terms", _filled("criteria", postgresql.JSONB(), "'{}'"))


def _filled(name, kind, value):
    return sa.Column(name, kind, server_default=sa.text(value), nullable=False)


def downgrade() -> None:
    op.drop_index("uq_purchase_test", table_name="purchase")
    op.drop_column("purchase", "test_seed")
    for name in ("criteria", "mode"):
        op.drop_column("listing_terms", name)
    for name in ("expires_at", "reprices_at"):
        op.drop_index(op.f(f"ix_listing_{name}"), table_name="listing")
    op.drop_index("uq_listing_batch_id", table_name="listing")
    op.create_index(
        "uq_listing_batch_id", "listing", ["batch_id"], unique=True, postgresql_where=WHOLE
    )
    for name in ("reprices_at", "decay", "warned_of", "is_aged", "criteria_path"):
        op.drop_column("listing", name)
    for name in ("first_sold_at", "aged_at"):
        op.drop_column("lead", name)
