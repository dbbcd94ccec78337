"""Notices of a day: one line about a subject, that grows while the day lasts."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("notice", sa.Column("day", sa.Date(), nullable=True))
    op.create_index(
        op.f("uq_notice_of_a_day"),
        "notice",
        ["organization_id", "subject_id", "kind", "day"],
        unique=True,
        postgresql_where=sa.text("day IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("uq_notice_of_a_day"), table_name="notice")
    op.drop_column("notice", "day")
