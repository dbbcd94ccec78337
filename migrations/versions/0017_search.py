"""Searches that buyers keep, and an index that tells alone which lots changed."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SELLABLE = "ix_lead_batch_id_requested_at_id"
INCLUDED = ("sold", "asks", "checked_at", "last_asked_at")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("notifies", sa.Boolean(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_saved_search_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
        sa.UniqueConstraint(
            "organization_id", "name", name=op.f("uq_saved_search_organization_id_name")
        ),
    )
    op.create_index(
        op.f("ix_saved_search_quiet_until"),
        "saved_search",
        ["quiet_until"],
        postgresql_where=sa.text("notifies"),
    )
    _index_of_sellable(INCLUDED)


def downgrade() -> None:
    _index_of_sellable(())
    op.drop_table("saved_search")


def _index_of_sellable(included: tuple[str, ...]) -> None:
    op.drop_index(SELLABLE, table_name="lead")
    op.create_index(
        SELLABLE,
        "lead",
        ["batch_id", "requested_at", "id"],
        postgresql_where=sa.text("status = 'valid' AND in_frame AND sold < sales_max"),
        postgresql_include=list(included),
    )
