"""Pings, and people by the keyed hash of a SHA-256."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ANSWERS = ("matched", "no_match", "duplicate", "rejected")
STATES = ("offered", "accepted", "lapsed")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "person_digest",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_person_digest")),
    )
    op.create_table(
        "ping",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("terms_id", sa.Uuid(), nullable=False),
        sa.Column(
            "answer",
            sa.Enum(
                *ANSWERS, name="ping_answer", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                *STATES, name="ping_status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("attributes", JSONB(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("email_index", sa.LargeBinary(), nullable=True),
        sa.Column("bids", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("answer <> 'matched' OR bids <> '[]'", name=op.f("ck_ping_bids")),
        sa.CheckConstraint(
            "status <> 'accepted' OR post_id IS NOT NULL", name=op.f("ck_ping_post")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_ping_organization_id")
        ),
        sa.ForeignKeyConstraint(["terms_id"], ["source_terms.id"], name=op.f("fk_ping_terms_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_ping_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ping")),
    )
    op.create_index(op.f("ix_ping_terms_id_id"), "ping", ["terms_id", "id"])


def downgrade() -> None:
    op.drop_table("ping")
    op.drop_table("person_digest")
