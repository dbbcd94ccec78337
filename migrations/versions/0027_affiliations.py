"""Who ever belonged to which organization, so that nobody trades with himself."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

REFUSALS = (
    "outbid", "price", "not_active", "not_started", "ended", "schedule", "changed", "trial", "cap",
    "funds", "own_leads", "buyer_not_approved", "buyer_not_wanted", "source_not_approved",
    "source_refused", "duplicate", "suppressed", "not_named", "per_action",
)  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "affiliation",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_affiliation_user_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_affiliation_organization_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "organization_id", name=op.f("pk_affiliation")),
    )
    op.create_index(op.f("ix_affiliation_organization_id"), "affiliation", ["organization_id"])
    op.execute(
        "INSERT INTO affiliation (user_id, organization_id, since)"
        " SELECT user_id, organization_id, created_at FROM membership"
    )
    op.execute(
        "INSERT INTO affiliation (user_id, organization_id, since)"
        " SELECT CAST(facts ->> 'member' AS uuid), actor_organization_id, occurred_at FROM event"
        " WHERE type = 'membership.ended' ON CONFLICT DO NOTHING"
    )
    op.execute("REVOKE UPDATE, DELETE ON affiliation FROM exchange_app")
    op.create_index(
        op.f("ix_organization_register_number"),
        "organization",
        ["register_number"],
        postgresql_where=sa.text("register_number <> ''"),
    )
    _allow_refusals((*REFUSALS, "related"))


def _allow_refusals(words: tuple[str, ...]) -> None:
    for table in ("contract_refusal", "refusal_tally"):
        op.drop_constraint("refusal", table, type_="check")
        op.create_check_constraint("refusal", table, sa.column("reason").in_(words))


def downgrade() -> None:
    op.execute("DELETE FROM contract_refusal WHERE reason = 'related'")
    op.execute("DELETE FROM refusal_tally WHERE reason = 'related'")
    _allow_refusals(REFUSALS)
    op.drop_index(op.f("ix_organization_register_number"), table_name="organization")
    op.drop_table("affiliation")
