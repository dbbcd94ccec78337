"""The ground: one clock, what this instance is, and the two roles.

The owner migrates. The application enters as `exchange_app`, which can write rows and cannot
rewrite history: see 0003 for what is taken from it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CLOCK = """
CREATE FUNCTION exchange_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS
$$ SELECT clock_timestamp() + coalesce((SELECT clock_offset FROM instance), interval '0') $$
"""

# Roles belong to the whole server, so another database of it may have made this one already.
ROLE = """
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'exchange_app') THEN
    CREATE ROLE exchange_app NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;
END $$
"""

GRANTS = """
GRANT exchange_app TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO exchange_app;
GRANT SELECT ON instance TO exchange_app;
GRANT UPDATE (clock_offset) ON instance TO exchange_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO exchange_app;
"""


def upgrade() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("clock_offset", sa.Interval(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_instance_single")),
        sa.CheckConstraint(
            "kind IN ('live', 'sandbox', 'demo')", name=op.f("ck_instance_instance_kind")
        ),
        # Decision 22: nobody can move the clock of a live instance, whatever the program does.
        sa.CheckConstraint(
            "kind <> 'live' OR clock_offset = interval '0'", name=op.f("ck_instance_clock")
        ),
    )
    op.execute(CLOCK)
    op.execute(ROLE)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
        " REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM exchange_app"
    )
    op.execute("REVOKE USAGE ON SCHEMA public FROM exchange_app")
    op.execute("DROP FUNCTION exchange_now()")
    op.drop_table("instance")
