"""Numbers of registers are compared by their letters and digits, however they were typed."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

# NULL, which equals nothing, where there is no digit: "-" and "n/a" are no numbers.
KEY = r"""
CREATE FUNCTION register_key(typed text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN typed ~ '\d' THEN upper(regexp_replace(typed, '\W|_', '', 'g')) END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_organization_register_number"), table_name="organization")
    op.execute(KEY)
    op.create_index(
        "ix_organization_register_key", "organization", [sa.text("register_key(register_number)")]
    )


def downgrade() -> None:
    op.drop_index("ix_organization_register_key", table_name="organization")
    op.execute("DROP FUNCTION register_key(text)")
    op.create_index(
        op.f("ix_organization_register_number"),
        "organization",
        ["register_number"],
        postgresql_where=sa.text("register_number <> ''"),
    )
