"""The guards: history cannot be rewritten, and the log of events is kept by month."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "posting", "transfer", "chain_link", "event", "consent", "lead_schema", "vertical_terms",
    "call_script", "listing_terms",
)  # fmt: skip

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: write a correction instead', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""

# The application asks for a month's partition; making one is the owner's right.
PARTITION = """
CREATE FUNCTION make_event_partition(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
  first date := date_trunc('month', month);
  name text := 'event_' || to_char(first, 'YYYY_MM');
BEGIN
  PERFORM pg_advisory_xact_lock(7015502);
  IF to_regclass(name) IS NULL AND NOT EXISTS (
    SELECT FROM event_rest WHERE occurred_at >= first AND occurred_at < first + interval '1 month'
  ) THEN
    EXECUTE format(
      'CREATE TABLE %I PARTITION OF event FOR VALUES FROM (%L) TO (%L)',
      name, first, first + interval '1 month'
    );
    EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM exchange_app', name);
  END IF;
END $$
"""


def upgrade() -> None:
    op.execute("CREATE TABLE event_rest PARTITION OF event DEFAULT")
    op.execute(REFUSE)
    op.execute(PARTITION)
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM exchange_app")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_keep BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute("REVOKE UPDATE, DELETE ON event_rest FROM exchange_app")
    op.execute(
        "SELECT make_event_partition((now() + make_interval(months => ahead))::date)"
        " FROM generate_series(0, 2) AS ahead"
    )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_keep ON {table}")
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION make_event_partition(date)")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP TABLE event_rest")
