"""Matching: which transaction changed a contract, what became of leads, who meets what is next."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = ("0016", "0018")
branch_labels = None
depends_on = None

REFUSALS = (
    "outbid", "price", "not_active", "not_started", "ended", "schedule", "changed", "trial", "cap",
    "funds", "own_leads", "buyer_not_approved", "buyer_not_wanted", "source_not_approved",
    "source_refused", "duplicate", "suppressed", "not_named",
)  # fmt: skip
NUMBER = "pg_current_xact_id()::text::bigint"
FUNCTION = f"""
CREATE FUNCTION contract_changed() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.changed_in := {NUMBER}; RETURN NEW; END $$
"""
# What an index of contracts does not know of need not be read again.
TRIGGER = """
CREATE TRIGGER contract_changed BEFORE UPDATE ON contract FOR EACH ROW
WHEN ((OLD.status, OLD.terms_version, OLD.ranked_at, OLD.changed_at, OLD.organization_id)
      IS DISTINCT FROM
      (NEW.status, NEW.terms_version, NEW.ranked_at, NEW.changed_at, NEW.organization_id))
EXECUTE FUNCTION contract_changed()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "contract",
        sa.Column("changed_in", sa.BigInteger(), server_default=sa.text(NUMBER), nullable=False),
    )
    op.create_index(
        op.f("ix_contract_vertical_id_changed_in"), "contract", ["vertical_id", "changed_in"]
    )
    op.execute(FUNCTION)
    op.execute(TRIGGER)
    _matches()
    _refusals()
    _rounds()


def _matches() -> None:
    op.create_table(
        "lead_match",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fitting", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column(
            "refusals",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_match_lead_id")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_lead_match_listing_id")
        ),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_lead_match")),
    )
    op.create_index(op.f("ix_lead_match_listing_id"), "lead_match", ["listing_id"])


def _refusals() -> None:
    op.create_table(
        "contract_refusal",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                *REFUSALS, name="refusal", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_refusal_contract_id")
        ),
        sa.PrimaryKeyConstraint("contract_id", "day", "reason", name=op.f("pk_contract_refusal")),
    )


def _rounds() -> None:
    op.create_table(
        "contract_round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_round_contract_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_round")),
    )
    op.create_index(op.f("ix_contract_round_due_at"), "contract_round", ["due_at"])
    op.create_index(
        op.f("ix_contract_round_contract_id_due_at"), "contract_round", ["contract_id", "due_at"]
    )
    op.create_table(
        "match_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_match_request_listing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_request")),
    )
    op.create_index(op.f("ix_match_request_listing_id"), "match_request", ["listing_id"])


def downgrade() -> None:
    op.drop_table("match_request")
    op.drop_table("contract_round")
    op.drop_table("contract_refusal")
    op.drop_table("lead_match")
    op.execute("DROP TRIGGER contract_changed ON contract")
    op.execute("DROP FUNCTION contract_changed()")
    op.drop_index(op.f("ix_contract_vertical_id_changed_in"), table_name="contract")
    op.drop_column("contract", "changed_in")
