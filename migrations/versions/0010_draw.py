"""Sources of a lot with the map that fixes them, and leads that come a second time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("lead", sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lead", sa.Column("repeats_id", sa.Uuid(), nullable=True))
    op.create_table(
        "lot_source",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "passed",
                "quarantined",
                "left",
                name="lot_source_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("leaves", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("outcomes", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_lot_source_batch_id_batch")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_source")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_lot_source_batch_id_number")),
    )
    op.create_table(
        "source_map",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_source_map_batch_id_batch")
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_source_map")),
    )


def downgrade() -> None:
    op.drop_table("source_map")
    op.drop_table("lot_source")
    op.drop_column("lead", "repeats_id")
    op.drop_column("lead", "failed_at")
