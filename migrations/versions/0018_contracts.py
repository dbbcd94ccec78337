"""Places, for a radius around one; what limits a contract, as its buyer was told."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "place",
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_place_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_place_longitude")),
        sa.PrimaryKeyConstraint("country", "postal_code", name=op.f("pk_place")),
    )
    op.create_index(op.f("ix_place_country_latitude"), "place", ["country", "latitude"])
    op.add_column(
        "contract", sa.Column("limited_by", sa.String(), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("contract", "limited_by")
    op.drop_table("place")
