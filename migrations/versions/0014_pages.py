"""The priors of verticals, and the way to the earlier lots of a source."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "vertical_prior",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("mean", sa.Float(), nullable=False),
        sa.Column("strength", sa.Float(), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "mean > 0 AND mean < 1 AND strength > 0", name=op.f("ck_vertical_prior_prior")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_vertical_prior_vertical_id_vertical")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vertical_prior")),
    )
    op.create_index(
        op.f("ix_vertical_prior_vertical_id_created_at"),
        "vertical_prior",
        ["vertical_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_batch_source_id_vertical_id_decided_at"),
        "batch",
        ["source_id", "vertical_id", "decided_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_batch_source_id_vertical_id_decided_at"), table_name="batch")
    op.drop_table("vertical_prior")
