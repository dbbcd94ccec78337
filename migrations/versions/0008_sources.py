"""The card of a source with its wordings and pictures, and what looks odd about leads and lots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANNELS = (
    "search_ads", "social_ads", "lead_ad_form", "own_site", "comparison_site", "email", "messenger",
    "call_center_outbound", "inbound_call", "partner", "other",
)  # fmt: skip
COLLECTORS = ("own", "partner")
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _widen_source()
    _make_consents()
    _make_pictures()
    empty = sa.text("'{}'")
    op.add_column("import", sa.Column("defaults", JSON, server_default=empty, nullable=False))
    op.add_column("import", sa.Column("consent_version", sa.Integer(), nullable=True))
    op.add_column("batch", sa.Column("suspicion", JSON, server_default=empty, nullable=False))
    op.add_column(
        "lead", sa.Column("is_stopped", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column(
        "lead", sa.Column("suspicion", sa.SmallInteger(), server_default="0", nullable=False)
    )
    op.add_column("lead", sa.Column("marks", JSON, nullable=True))


def downgrade() -> None:
    for column in ("marks", "suspicion", "is_stopped"):
        op.drop_column("lead", column)
    op.drop_column("batch", "suspicion")
    op.drop_column("import", "consent_version")
    op.drop_column("import", "defaults")
    op.drop_table("source_picture")
    op.drop_table("source_consent")
    op.execute("UPDATE source SET channel = '' WHERE channel IS NULL")
    op.drop_constraint("source_channel", "source", type_="check")
    op.alter_column("source", "channel", type_=sa.String(), nullable=False)
    for column in ("status_reason", "defaults", "ends_on", "starts_on", "collected_by", "ad_text"):
        op.drop_column("source", column)


def _widen_source() -> None:
    # Channels were free text so far; the words that are none of the list mean nothing any more.
    words = ", ".join(f"'{word}'" for word in CHANNELS)
    op.alter_column("source", "channel", type_=sa.String(40), nullable=True)
    op.execute(f"UPDATE source SET channel = NULL WHERE channel NOT IN ({words})")
    op.create_check_constraint("source_channel", "source", sa.column("channel").in_(CHANNELS))
    collector = sa.Enum(
        *COLLECTORS, name="collector", native_enum=False, create_constraint=True, length=40
    )
    for column in (
        sa.Column("ad_text", sa.String(), server_default="", nullable=False),
        sa.Column("collected_by", collector, server_default="own", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("defaults", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status_reason", sa.String(), server_default="", nullable=False),
    ):
        op.add_column("source", column)


def _make_consents() -> None:
    op.create_table(
        "source_consent",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_source_consent_source_id")
        ),
        sa.ForeignKeyConstraint(
            ["text_id"], ["consent_text.id"], name=op.f("fk_source_consent_text_id")
        ),
        sa.PrimaryKeyConstraint("source_id", "version", name=op.f("pk_source_consent")),
    )
    # What people agreed to is not to be changed afterwards: see 0003.
    op.execute("REVOKE UPDATE, DELETE ON source_consent FROM exchange_app")
    op.execute(
        "CREATE TRIGGER source_consent_append_only BEFORE UPDATE OR DELETE ON source_consent"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER source_consent_keep BEFORE TRUNCATE ON source_consent"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _make_pictures() -> None:
    op.create_table(
        "source_picture",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_source_picture_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_picture")),
    )
    op.create_index(
        op.f("ix_source_picture_source_id"), "source_picture", ["source_id"], unique=False
    )
