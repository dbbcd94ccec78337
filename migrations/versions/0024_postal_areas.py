"""Leads are found by five digits of a ZIP+4; what the person wrote stands in the answers."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        r"UPDATE lead SET postal_code = left(postal_code, 5) WHERE postal_code ~ '^\d{5}-\d{4}$'"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """UPDATE lead SET postal_code = attributes ->> 'postal_code'
            WHERE postal_code <> '' AND attributes ->> 'postal_code' LIKE postal_code || '-%'"""
    )
