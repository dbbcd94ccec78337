"""Leads that are posted one by one: standing terms, doors, the posts, and lots that grow.

A batch of a source may be open: it takes leads until it is full or its time is over.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATES = [
    "draft", "open", "validating", "sealed", "sampling", "accepted", "rejected", "undecided",
    "in_full_inspection", "withdrawn",
]  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "source_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column(
            "quality_class",
            sa.Enum(
                "standard",
                "select",
                "prime",
                "unverified",
                name="quality_class",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "exclusive",
                "shared",
                "targeted",
                name="lead_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("sales_max", sa.Integer(), nullable=False),
        sa.Column("declared_unsold_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("consent_text", sa.String(), nullable=False),
        sa.Column("consent_url", sa.String(), nullable=False),
        sa.Column("is_check_agreed", sa.Boolean(), nullable=False),
        sa.Column("call_seconds_min", sa.Integer(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("trusted_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spec_token", sa.String(), nullable=True),
        sa.CheckConstraint(
            "call_seconds_min BETWEEN 0 AND 3600", name=op.f("ck_source_terms_call_seconds_min")
        ),
        sa.CheckConstraint("sales_max BETWEEN 1 AND 10", name=op.f("ck_source_terms_sales_max")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_source_terms_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_source_terms_source_id")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_source_terms_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_terms")),
        sa.UniqueConstraint(
            "source_id", "vertical_id", name=op.f("uq_source_terms_source_id_vertical_id")
        ),
        sa.UniqueConstraint("spec_token", name=op.f("uq_source_terms_spec_token")),
    )
    op.create_index(
        op.f("ix_source_terms_organization_id"), "source_terms", ["organization_id"], unique=False
    )
    op.create_table(
        "capture_form",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("terms_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("is_callback", sa.Boolean(), nullable=False),
        sa.Column("consent_text_id", sa.Uuid(), nullable=False),
        sa.Column("origins", JSONB, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["consent_text_id"], ["consent_text.id"], name=op.f("fk_capture_form_consent_text_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_capture_form_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["terms_id"], ["source_terms.id"], name=op.f("fk_capture_form_terms_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_form")),
        sa.UniqueConstraint("token", name=op.f("uq_capture_form_token")),
    )
    op.create_index(op.f("ix_capture_form_terms_id"), "capture_form", ["terms_id"], unique=False)
    op.create_table(
        "posting_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("terms_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("settings", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_posting_token_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["terms_id"], ["source_terms.id"], name=op.f("fk_posting_token_terms_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_posting_token_token_hash")),
    )
    op.create_index(op.f("ix_posting_token_terms_id"), "posting_token", ["terms_id"], unique=False)
    op.create_table(
        "post",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("terms_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "accepted",
                "queued_for_check",
                "duplicate",
                "rejected",
                "suppressed",
                name="post_outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("errors", JSONB, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=True),
        sa.Column("agent_index", sa.LargeBinary(), nullable=True),
        sa.Column("form_seconds", sa.Integer(), nullable=True),
        sa.Column("origin", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "lead_id IS NULL OR NOT is_test", name=op.f("ck_post_tests_keep_nothing")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_post_lead_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_post_organization_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_post_source_id")),
        sa.ForeignKeyConstraint(["terms_id"], ["source_terms.id"], name=op.f("fk_post_terms_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
    )
    op.create_index(
        op.f("ix_post_source_id_external_id"),
        "post",
        ["source_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL AND NOT is_test"),
    )
    op.create_index(op.f("ix_post_terms_id_id"), "post", ["terms_id", "id"], unique=False)
    op.add_column("batch", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("batch", sa.Column("seals_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "batch", sa.Column("sells_at_once", sa.Boolean(), nullable=False, server_default="false")
    )
    op.alter_column("batch", "sells_at_once", server_default=None)
    _allow(STATES)
    op.create_index(
        op.f("ix_batch_source_id_vertical_id"),
        "batch",
        ["source_id", "vertical_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )


def downgrade() -> None:
    op.execute("UPDATE batch SET status = 'withdrawn' WHERE status = 'open'")
    _allow([state for state in STATES if state != "open"])
    op.drop_index(
        op.f("ix_batch_source_id_vertical_id"),
        table_name="batch",
        postgresql_where=sa.text("status = 'open'"),
    )
    op.drop_column("batch", "sells_at_once")
    op.drop_column("batch", "seals_at")
    op.drop_column("batch", "opened_at")
    op.drop_index(op.f("ix_post_terms_id_id"), table_name="post")
    op.drop_index(
        op.f("ix_post_source_id_external_id"),
        table_name="post",
        postgresql_where=sa.text("external_id IS NOT NULL AND NOT is_test"),
    )
    op.drop_table("post")
    op.drop_index(op.f("ix_posting_token_terms_id"), table_name="posting_token")
    op.drop_table("posting_token")
    op.drop_index(op.f("ix_capture_form_terms_id"), table_name="capture_form")
    op.drop_table("capture_form")
    op.drop_index(op.f("ix_source_terms_organization_id"), table_name="source_terms")
    op.drop_table("source_terms")


def _allow(states: list[str]) -> None:
    """Say anew what a batch can be."""
    name = op.f("ck_batch_batch_status")
    op.drop_constraint(name, "batch", type_="check")
    words = ", ".join(f"'{state}'" for state in states)
    op.create_check_constraint(name, "batch", f"status IN ({words})")
