"""What people may ask for: lists of people, withdrawals, erasures, named buyers; repeats of a lead."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHANNELS = ("any", "call", "email", "message")
NOW = sa.text("exchange_now()")
MOMENT = sa.DateTime(timezone=True)


def words(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def record(table: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def owner(table: str, *, nullable: bool) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("organization_id", sa.Uuid(), nullable=nullable),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f(f"fk_{table}_organization_id"),
        ),
    )


def upgrade() -> None:
    people()
    entries()
    erasures()
    op.add_column(
        "lead", sa.Column("asks", sa.SmallInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column("lead", sa.Column("last_asked_at", MOMENT, nullable=True))
    named_buyers()


def people() -> None:
    record(
        "person_list",
        *owner("person_list", nullable=True),
        sa.Column("purpose", words("list_purpose", "suppressed", "known"), nullable=False),
        sa.Column("channel", words("contact_channel", *CHANNELS), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=False),
        sa.Column("lines_taken", sa.Integer(), nullable=False),
        sa.Column("lines_repeated", sa.Integer(), nullable=False),
        sa.Column("lines_bad", sa.Integer(), nullable=False),
        sa.Column("applied_at", MOMENT, nullable=True),
        sa.Column("removed_at", MOMENT, nullable=True),
    )
    op.create_index(
        op.f("ix_person_list_organization_id_id"), "person_list", ["organization_id", "id"]
    )
    op.create_index(
        op.f("ix_person_list_created_at"),
        "person_list",
        ["created_at"],
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    record(
        "revocation",
        *owner("revocation", nullable=True),
        sa.Column("via", words("revocation_via", "page", "api"), nullable=False),
        sa.Column("hashes", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.Column("applied_at", MOMENT, nullable=True),
    )


def entries() -> None:
    """What stood there is the exchange's own and holds for everybody."""
    op.add_column("suppression_entry", sa.Column("organization_id", sa.Uuid(), nullable=True))
    op.add_column("suppression_entry", sa.Column("list_id", sa.Uuid(), nullable=True))
    op.add_column(
        "suppression_entry",
        sa.Column(
            "channel",
            words("contact_channel", *CHANNELS),
            server_default=sa.text("'any'"),
            nullable=False,
        ),
    )
    for column, table in (("organization_id", "organization"), ("list_id", "person_list")):
        name = op.f(f"fk_suppression_entry_{column}")
        op.create_foreign_key(name, "suppression_entry", table, [column], ["id"])
    op.drop_constraint(op.f("uq_suppression_entry_hash"), "suppression_entry", type_="unique")
    op.create_unique_constraint(
        op.f("uq_suppression_entry_hash_organization_id_list_id"),
        "suppression_entry",
        ["hash", "organization_id", "list_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(op.f("ix_suppression_entry_list_id"), "suppression_entry", ["list_id"])
    op.create_index(
        op.f("ix_suppression_entry_organization_id"),
        "suppression_entry",
        ["organization_id"],
        postgresql_where=sa.text("organization_id IS NOT NULL"),
    )


def erasures() -> None:
    record(
        "erasure",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("hashes", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("lead_ids", postgresql.JSONB(), nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.Column("fingerprints", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("files_pending", sa.Integer(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=True),
    )
    record(
        "erasure_notice",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasure.id"], name=op.f("fk_erasure_notice_erasure_id")
        ),
        *owner("erasure_notice", nullable=False),
        sa.Column("line_ids", postgresql.JSONB(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("acknowledged_by_id", sa.Uuid(), nullable=True),
        sa.UniqueConstraint(
            "erasure_id",
            "organization_id",
            name=op.f("uq_erasure_notice_erasure_id_organization_id"),
        ),
    )
    op.create_index(
        op.f("ix_erasure_notice_organization_id_acknowledged_at"),
        "erasure_notice",
        ["organization_id", "acknowledged_at"],
    )


def named_buyers() -> None:
    op.create_table(
        "consent_buyer",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_consent_buyer_lead_id")),
        sa.PrimaryKeyConstraint("lead_id", "name", name=op.f("pk_consent_buyer")),
    )
    op.execute("REVOKE UPDATE, DELETE ON consent_buyer FROM exchange_app")
    for name, when in (
        ("append_only", "UPDATE OR DELETE ON consent_buyer FOR EACH ROW"),
        ("keep", "TRUNCATE ON consent_buyer FOR EACH STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER consent_buyer_{name} BEFORE {when} EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("consent_buyer")
    op.drop_column("lead", "last_asked_at")
    op.drop_column("lead", "asks")
    op.drop_table("erasure_notice")
    op.drop_table("erasure")
    # One sort of list was known before: everybody's.
    op.execute("DELETE FROM suppression_entry WHERE organization_id IS NOT NULL")
    op.execute(
        "DELETE FROM suppression_entry one USING suppression_entry other"
        " WHERE one.hash = other.hash AND one.id > other.id"
    )
    op.drop_constraint(
        op.f("uq_suppression_entry_hash_organization_id_list_id"),
        "suppression_entry",
        type_="unique",
    )
    for index in ("list_id", "organization_id"):
        op.drop_index(op.f(f"ix_suppression_entry_{index}"), "suppression_entry")
    for column in ("list_id", "organization_id", "channel"):
        op.drop_column("suppression_entry", column)
    op.create_unique_constraint(op.f("uq_suppression_entry_hash"), "suppression_entry", ["hash"])
    op.drop_table("revocation")
    op.drop_table("person_list")
