"""The tables: people, catalog, money, inventory, spot check, market and what follows a sale."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915  # one statement per table and index
    op.create_table(
        "commission_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_rate")),
    )
    op.create_index(
        op.f("ix_commission_rate_scope_effective_from"),
        "commission_rate",
        ["scope", "effective_from"],
        unique=False,
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_organization_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("facts", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", "occurred_at", name=op.f("pk_event")),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index(
        op.f("ix_event_organization_id_occurred_at"),
        "event",
        ["organization_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_subject_kind_subject_id_occurred_at"),
        "event",
        ["subject_kind", "subject_id", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("scope", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "inbound_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "handled",
                "ignored",
                "failed",
                name="inbound_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failure", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_event")),
    )
    op.create_index(
        op.f("ix_inbound_event_source_external_id"),
        "inbound_event",
        ["source", "external_id"],
        unique=True,
    )
    op.create_index(
        op.f("ix_inbound_event_status_next_attempt_at"),
        "inbound_event",
        ["status", "next_attempt_at"],
        unique=False,
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "seller",
                "buyer",
                "verification",
                "operator",
                name="organization_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "approved",
                "suspended",
                "closed",
                name="organization_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("trade_name", sa.String(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("register_number", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("terms_version", sa.String(), nullable=True),
        sa.Column("terms_accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terms_accepted_by_id", sa.Uuid(), nullable=True),
        sa.Column("status_reason", sa.String(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("trade_name", name=op.f("uq_organization_trade_name")),
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "topped_up",
                "held",
                "hold_released",
                "delivered",
                "sale_settled",
                "sale_reversed",
                "refunded",
                "reserve_released",
                "payout_requested",
                "payout_paid",
                "payout_failed",
                "processing_fee",
                "verification_paid",
                "correction",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint("key", name=op.f("uq_posting_key")),
    )
    op.create_index(
        op.f("ix_posting_subject_kind_subject_id"),
        "posting",
        ["subject_kind", "subject_id"],
        unique=False,
    )
    op.create_table(
        "suppression_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_entry")),
        sa.UniqueConstraint("hash", name=op.f("uq_suppression_entry_hash")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("single_keys", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
    )
    op.create_table(
        "vertical",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "paused",
                name="vertical_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column(
            "currency",
            sa.Enum(
                "EUR",
                "MYR",
                "RUB",
                "USD",
                name="currency",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("profile", JSONB, nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vertical")),
        sa.UniqueConstraint("code", name=op.f("uq_vertical_code")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "cash",
                "bank",
                "suspense",
                "commission",
                "inspection_income",
                "processing_fees",
                "verification_cost",
                "tax_payable",
                "guarantee_losses",
                "chargeback_losses",
                "write_off",
                "wallet",
                "held",
                "buyer_debt",
                "pending",
                "reserve",
                "payable",
                "in_transit",
                "seller_debt",
                "verifier_payable",
                name="account_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=True),
        sa.Column("floor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(organization_id IS NULL) = (balance IS NULL)", name=op.f("ck_account_platform")
        ),
        sa.CheckConstraint("floor IS NULL OR balance >= floor", name=op.f("ck_account_floor")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_account_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_index(
        op.f("ix_account_organization_id"), "account", ["organization_id"], unique=False
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_api_key_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_api_key_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_key_token_hash")),
    )
    op.create_index(
        op.f("ix_api_key_organization_id_revoked_at"),
        "api_key",
        ["organization_id", "revoked_at"],
        unique=False,
    )
    op.create_table(
        "call_script",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_call_script_version")),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_call_script_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_script")),
        sa.UniqueConstraint(
            "vertical_id",
            "language",
            "version",
            name=op.f("uq_call_script_vertical_id_language_version"),
        ),
    )
    op.create_index(
        op.f("ix_call_script_vertical_id_language"),
        "call_script",
        ["vertical_id", "language"],
        unique=False,
    )
    op.create_table(
        "chain_link",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("organizations", JSONB, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["posting.id"], name=op.f("fk_chain_link_posting_id")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_chain_link")),
        sa.UniqueConstraint("posting_id", name=op.f("uq_chain_link_posting_id")),
    )
    op.create_table(
        "chain_tail",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_chain_tail_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_chain_tail")),
    )
    op.create_table(
        "consent_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_consent_text_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_text")),
        sa.UniqueConstraint(
            "organization_id", "sha256", name=op.f("uq_consent_text_organization_id_sha256")
        ),
    )
    op.create_table(
        "fingerprint",
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_fingerprint_vertical_id")
        ),
        sa.PrimaryKeyConstraint("vertical_id", "hash", name=op.f("pk_fingerprint")),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("amount_amount", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.String(length=3), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "captured",
                "released",
                "expired",
                name="hold_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("amount_amount > 0", name=op.f("ck_hold_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_hold_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(
        op.f("ix_hold_organization_id_status"), "hold", ["organization_id", "status"], unique=False
    )
    op.create_index(
        op.f("ix_hold_subject_kind_subject_id"), "hold", ["subject_kind", "subject_id"], unique=True
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner",
                "member",
                "finance",
                "verifier",
                "shift_lead",
                "support",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "accepted",
                "revoked",
                name="invitation_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("invited_by_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["user.id"], name=op.f("fk_invitation_invited_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invitation_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(
        op.f("ix_invitation_organization_id"), "invitation", ["organization_id"], unique=False
    )
    op.create_table(
        "lead_schema",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_lead_schema_version")),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_lead_schema_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_schema")),
        sa.UniqueConstraint(
            "vertical_id", "version", name=op.f("uq_lead_schema_vertical_id_version")
        ),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner",
                "member",
                "finance",
                "verifier",
                "shift_lead",
                "support",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_membership_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_membership_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "user_id", "organization_id", name=op.f("uq_membership_user_id_organization_id")
        ),
    )
    op.create_index(
        op.f("ix_membership_organization_id"), "membership", ["organization_id"], unique=False
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_notice_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index(
        op.f("ix_notice_organization_id_read_at"),
        "notice",
        ["organization_id", "read_at"],
        unique=False,
    )
    op.create_table(
        "payout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("amount_amount", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "releasable",
                "held",
                "in_transit",
                "paid",
                "failed",
                name="payout_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_payout_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint("external_id", name=op.f("uq_payout_external_id")),
    )
    op.create_index(op.f("ix_payout_organization_id"), "payout", ["organization_id"], unique=False)
    op.create_index(op.f("ix_payout_status"), "payout", ["status"], unique=False)
    op.create_table(
        "payout_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "started",
                "ready",
                name="payout_account_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_payout_account_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_account")),
        sa.UniqueConstraint("external_id", name=op.f("uq_payout_account_external_id")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_payout_account_organization_id")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("landing_url", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "paused",
                "stopped",
                name="source_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_source_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_source_organization_id_name")),
    )
    op.create_table(
        "top_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("amount_amount", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "started",
                "succeeded",
                "failed",
                name="top_up_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("checkout_url", sa.String(), nullable=True),
        sa.Column("payment_id", sa.String(), nullable=True),
        sa.Column("fee_booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_top_up_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_top_up")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_top_up_payment_id")),
        sa.UniqueConstraint("session_id", name=op.f("uq_top_up_session_id")),
    )
    op.create_index(op.f("ix_top_up_organization_id"), "top_up", ["organization_id"], unique=False)
    op.create_index(
        op.f("ix_top_up_payment_id"),
        "top_up",
        ["payment_id"],
        unique=False,
        postgresql_where=sa.text("status = 'succeeded' AND fee_booked_at IS NULL"),
    )
    op.create_table(
        "vertical_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_vertical_terms_version")),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_vertical_terms_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vertical_terms")),
        sa.UniqueConstraint(
            "vertical_id", "version", name=op.f("uq_vertical_terms_vertical_id_version")
        ),
    )
    op.create_table(
        "import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("schema_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "uploaded",
                "recognised",
                "mapped",
                "checked",
                "confirmed",
                "abandoned",
                name="import_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("file_key_version", sa.Integer(), nullable=True),
        sa.Column("file_key", sa.LargeBinary(), nullable=True),
        sa.Column("recognition", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("mapping", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("questions", JSONB, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("forecast", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("refusal", JSONB, nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_import_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["schema_id"], ["lead_schema.id"], name=op.f("fk_import_schema_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_import_source_id")),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_import_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import")),
    )
    op.create_index(
        op.f("ix_import_organization_id_file_sha256"),
        "import",
        ["organization_id", "file_sha256"],
        unique=False,
    )
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["membership.id"], name=op.f("fk_sign_in_membership_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_sign_in_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_user_id"), "sign_in", ["user_id"], unique=False)
    op.create_table(
        "transfer",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfer_amount")),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_transfer_moves")),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["posting.id"], name=op.f("fk_transfer_posting_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["account.id"], name=op.f("fk_transfer_source_id")),
        sa.ForeignKeyConstraint(["target_id"], ["account.id"], name=op.f("fk_transfer_target_id")),
        sa.PrimaryKeyConstraint("posting_id", "position", name=op.f("pk_transfer")),
    )
    op.create_index(op.f("ix_transfer_source_id"), "transfer", ["source_id"], unique=False)
    op.create_index(op.f("ix_transfer_target_id"), "transfer", ["target_id"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("schema_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "validating",
                "sealed",
                "sampling",
                "accepted",
                "rejected",
                "undecided",
                "in_full_inspection",
                "withdrawn",
                name="batch_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
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
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("valid", sa.Integer(), nullable=False),
        sa.Column("in_review", sa.Integer(), nullable=False),
        sa.Column("invalid", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.Column("suppressed", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("merkle_root", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "rows_done = valid + in_review + invalid + duplicate + suppressed",
            name=op.f("ck_batch_row_equation"),
        ),
        sa.CheckConstraint("sales_max BETWEEN 1 AND 10", name=op.f("ck_batch_sales_max")),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_batch_import_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_batch_organization_id")
        ),
        sa.ForeignKeyConstraint(["schema_id"], ["lead_schema.id"], name=op.f("fk_batch_schema_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_batch_source_id")),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_batch_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("import_id", name=op.f("uq_batch_import_id")),
    )
    op.create_index(
        op.f("ix_batch_organization_id_status"),
        "batch",
        ["organization_id", "status"],
        unique=False,
    )
    op.create_table(
        "draw",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "committed",
                "assigned",
                "rooted",
                "drawn",
                name="draw_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("secret_key_version", sa.Integer(), nullable=False),
        sa.Column("secret_wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rooted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nonce_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("nonce_by", sa.String(), nullable=True),
        sa.Column("beacon", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("seed", sa.LargeBinary(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_draw_batch_id")),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_draw_import_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_draw_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_draw_batch_id")),
        sa.UniqueConstraint("import_id", name=op.f("uq_draw_import_id")),
    )
    op.create_index(
        op.f("ix_draw_organization_id"),
        "draw",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("status = 'committed'"),
    )
    op.create_table(
        "lead",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("sub_source", sa.String(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "valid",
                "invalid",
                "duplicate",
                "suppressed",
                "in_review",
                "quarantined",
                "withdrawn",
                "purged",
                name="lead_status",
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
        sa.Column("sales_max", sa.Integer(), nullable=False),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("preview", JSONB, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("postal_code", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("landing_url", sa.String(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("is_sealed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("sold BETWEEN 0 AND sales_max", name=op.f("ck_lead_sold")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_lead_batch_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_lead_organization_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_lead_source_id")),
        sa.ForeignKeyConstraint(["vertical_id"], ["vertical.id"], name=op.f("fk_lead_vertical_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
        sa.UniqueConstraint("batch_id", "row_number", name=op.f("uq_lead_batch_id_row_number")),
    )
    op.create_index(
        op.f("ix_lead_batch_id_requested_at_id"),
        "lead",
        ["batch_id", "requested_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'valid' AND is_sealed AND sold < sales_max"),
    )
    op.create_index(
        op.f("ix_lead_batch_id_status_region"),
        "lead",
        ["batch_id", "status", "region"],
        unique=False,
    )
    op.create_table(
        "listing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "published",
                "paused",
                "sold_out",
                "withdrawn",
                "expired",
                name="listing_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
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
        sa.Column("bad_upper", sa.Double(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_listing_batch_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_listing_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_listing_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_listing_batch_id")),
    )
    op.create_index(
        op.f("ix_listing_organization_id"), "listing", ["organization_id"], unique=False
    )
    op.create_index(
        op.f("ix_listing_vertical_id_status"), "listing", ["vertical_id", "status"], unique=False
    )
    op.create_table(
        "problem_row",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "valid",
                "invalid",
                "duplicate",
                "suppressed",
                "in_review",
                "quarantined",
                "withdrawn",
                "purged",
                name="lead_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("codes", JSONB, nullable=False),
        sa.Column("locked", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_problem_row_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "row_number", name=op.f("pk_problem_row")),
    )
    op.create_index(
        op.f("ix_problem_row_batch_id_status"), "problem_row", ["batch_id", "status"], unique=False
    )
    op.create_table(
        "consent",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("text_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_url", sa.String(), nullable=False),
        sa.Column("purposes", JSONB, server_default=sa.text("'[]'"), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_consent_lead_id")),
        sa.ForeignKeyConstraint(["text_id"], ["consent_text.id"], name=op.f("fk_consent_text_id")),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_consent")),
    )
    op.create_table(
        "contact",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("locked", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("email_index", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_contact_lead_id")),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_contact")),
    )
    op.create_index(op.f("ix_contact_email_index"), "contact", ["email_index"], unique=False)
    op.create_index(op.f("ix_contact_phone_index"), "contact", ["phone_index"], unique=False)
    op.create_table(
        "inspection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column(
            "purpose",
            sa.Enum(
                "sample",
                "full_inspection",
                "return",
                "guarantee",
                "gold",
                "double",
                name="inspection_purpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("ref_kind", sa.String(), nullable=False),
        sa.Column("ref_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("leaf_index", sa.Integer(), nullable=True),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.Column("verdicts_needed", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "concluded",
                "cancelled",
                name="inspection_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "good",
                "bad",
                "open",
                name="outcome_class",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'concluded') = (outcome IS NOT NULL)",
            name=op.f("ck_inspection_outcome_known"),
        ),
        sa.CheckConstraint(
            "verdicts_needed BETWEEN 1 AND 3", name=op.f("ck_inspection_verdicts_needed")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_inspection_lead_id")),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_inspection_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        sa.UniqueConstraint(
            "purpose", "ref_id", "lead_id", name=op.f("uq_inspection_purpose_ref_id_lead_id")
        ),
        sa.UniqueConstraint("ref_id", "position", name=op.f("uq_inspection_ref_id_position")),
    )
    op.create_index(op.f("ix_inspection_lead_id"), "inspection", ["lead_id"], unique=False)
    op.create_table(
        "listing_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("sales_max", sa.Integer(), nullable=False),
        sa.Column("return_window_hours", sa.Integer(), nullable=False),
        sa.Column("vertical_terms_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("price_amount > 0", name=op.f("ck_listing_terms_price")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_listing_terms_listing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_terms")),
        sa.UniqueConstraint(
            "listing_id", "version", name=op.f("uq_listing_terms_listing_id_version")
        ),
    )
    op.create_table(
        "purchase",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("criteria", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("total_currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "confirmed",
                "fulfilled",
                "settled",
                "cancelled",
                name="order_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("placed_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["buyer_id"], ["organization.id"], name=op.f("fk_purchase_buyer_id")
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_purchase_listing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
    )
    op.create_index(op.f("ix_purchase_buyer_id"), "purchase", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_purchase_listing_id"), "purchase", ["listing_id"], unique=False)
    op.create_index(op.f("ix_purchase_status"), "purchase", ["status"], unique=False)
    op.create_table(
        "sample",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "accepted",
                "rejected",
                "undecided",
                name="sample_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("plan", JSONB, nullable=False),
        sa.Column("called_ahead", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("unresolved", sa.Integer(), nullable=False),
        sa.Column("bad_upper", sa.Double(), nullable=True),
        sa.Column("stage", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_sample_batch_id")),
        sa.ForeignKeyConstraint(["draw_id"], ["draw.id"], name=op.f("fk_sample_draw_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_sample_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_sample_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_sample_batch_id")),
        sa.UniqueConstraint("draw_id", name=op.f("uq_sample_draw_id")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("portal", name="channel", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "sent",
                "acknowledged",
                "failed",
                "dead",
                "cancelled",
                name="delivery_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("deliver_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["purchase.id"], name=op.f("fk_delivery_order_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_delivery_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("order_id", name=op.f("uq_delivery_order_id")),
    )
    op.create_index(
        op.f("ix_delivery_status_deliver_by"), "delivery", ["status", "deliver_by"], unique=False
    )
    op.create_table(
        "order_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "reserved",
                "delivered",
                "returned",
                "replaced",
                "settled",
                "released",
                name="line_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "slot IS NOT NULL OR status IN ('released', 'returned')",
            name=op.f("ck_order_line_holds"),
        ),
        sa.CheckConstraint(
            "refunded BETWEEN 0 AND price_amount", name=op.f("ck_order_line_refunded")
        ),
        sa.CheckConstraint("slot >= 0", name=op.f("ck_order_line_slot")),
        sa.ForeignKeyConstraint(
            ["buyer_id"], ["organization.id"], name=op.f("fk_order_line_buyer_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_order_line_lead_id")),
        sa.ForeignKeyConstraint(["order_id"], ["purchase.id"], name=op.f("fk_order_line_order_id")),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["organization.id"], name=op.f("fk_order_line_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("lead_id", "slot", name=op.f("uq_order_line_lead_id_slot")),
    )
    op.create_index(
        op.f("ix_order_line_buyer_id_id"), "order_line", ["buyer_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_order_line_lead_id_buyer_id"),
        "order_line",
        ["lead_id", "buyer_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'released'"),
    )
    op.create_index(op.f("ix_order_line_order_id"), "order_line", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_order_line_seller_id_id"), "order_line", ["seller_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_order_line_window_until"),
        "order_line",
        ["window_until"],
        unique=False,
        postgresql_where=sa.text("status = 'delivered'"),
    )
    op.create_table(
        "verification_task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "claimed",
                "submitted",
                "cancelled",
                name="task_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_by_id", sa.Uuid(), nullable=True),
        sa.Column("promised_to_id", sa.Uuid(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_number", sa.Integer(), nullable=False),
        sa.Column("draft", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "status <> 'claimed' OR (claimed_by_id IS NOT NULL AND lease_until IS NOT NULL AND claimed_at IS NOT NULL)",
            name=op.f("ck_verification_task_lease"),
        ),
        sa.ForeignKeyConstraint(
            ["claimed_by_id"], ["user.id"], name=op.f("fk_verification_task_claimed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_verification_task_inspection_id")
        ),
        sa.ForeignKeyConstraint(
            ["promised_to_id"], ["user.id"], name=op.f("fk_verification_task_promised_to_id")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_verification_task_vertical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_task")),
    )
    op.create_index(
        op.f("ix_verification_task_claimed_by_id"),
        "verification_task",
        ["claimed_by_id"],
        unique=True,
        postgresql_where=sa.text("status = 'claimed'"),
    )
    op.create_index(
        op.f("ix_verification_task_inspection_id"),
        "verification_task",
        ["inspection_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_verification_task_is_urgent_not_before_place"),
        "verification_task",
        ["is_urgent", "not_before", "place"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        op.f("ix_verification_task_promised_to_id_not_before"),
        "verification_task",
        ["promised_to_id", "not_before"],
        unique=False,
        postgresql_where=sa.text("status = 'queued' AND promised_to_id IS NOT NULL"),
    )
    op.create_table(
        "lead_return",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "auto_decided",
                "in_recheck",
                "decided",
                "contested",
                "arbitrated",
                "closed",
                name="return_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "approved",
                "denied",
                "partial",
                name="return_outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("evidence", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("explanation", sa.String(), nullable=False),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("contest_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contest", sa.String(), nullable=False),
        sa.Column("arbitration", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["buyer_id"], ["organization.id"], name=op.f("fk_lead_return_buyer_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_return_lead_id")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["order_line.id"], name=op.f("fk_lead_return_line_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["organization.id"], name=op.f("fk_lead_return_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_return")),
    )
    op.create_index(op.f("ix_lead_return_buyer_id"), "lead_return", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_lead_return_lead_id"), "lead_return", ["lead_id"], unique=False)
    op.create_index(
        op.f("ix_lead_return_line_id"),
        "lead_return",
        ["line_id"],
        unique=True,
        postgresql_where=sa.text("outcome IS DISTINCT FROM 'denied'"),
    )
    op.create_index(op.f("ix_lead_return_seller_id"), "lead_return", ["seller_id"], unique=False)
    op.create_index(
        op.f("ix_lead_return_status_decide_by"),
        "lead_return",
        ["status", "decide_by"],
        unique=False,
    )
    op.create_table(
        "verdict",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("lease_number", sa.Integer(), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "good",
                "bad",
                "open",
                name="outcome_class",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("corrections", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("answers", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("organization_id <> seller_id", name=op.f("ck_verdict_not_own_leads")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_verdict_inspection_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_verdict_lead_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_verdict_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["organization.id"], name=op.f("fk_verdict_seller_id")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["verification_task.id"], name=op.f("fk_verdict_task_id")
        ),
        sa.ForeignKeyConstraint(["verifier_id"], ["user.id"], name=op.f("fk_verdict_verifier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        sa.UniqueConstraint(
            "task_id", "lease_number", name=op.f("uq_verdict_task_id_lease_number")
        ),
    )
    op.create_index(op.f("ix_verdict_inspection_id"), "verdict", ["inspection_id"], unique=False)
    op.create_index(
        op.f("ix_verdict_lead_id_verifier_id"), "verdict", ["lead_id", "verifier_id"], unique=False
    )
    op.create_index(
        op.f("ix_verdict_verifier_id_created_at"),
        "verdict",
        ["verifier_id", "created_at"],
        unique=False,
    )


def downgrade() -> None:  # noqa: PLR0915  # as above
    op.drop_index(op.f("ix_verdict_verifier_id_created_at"), table_name="verdict")
    op.drop_index(op.f("ix_verdict_lead_id_verifier_id"), table_name="verdict")
    op.drop_index(op.f("ix_verdict_inspection_id"), table_name="verdict")
    op.drop_table("verdict")
    op.drop_index(op.f("ix_lead_return_status_decide_by"), table_name="lead_return")
    op.drop_index(op.f("ix_lead_return_seller_id"), table_name="lead_return")
    op.drop_index(
        op.f("ix_lead_return_line_id"),
        table_name="lead_return",
        postgresql_where=sa.text("outcome IS DISTINCT FROM 'denied'"),
    )
    op.drop_index(op.f("ix_lead_return_lead_id"), table_name="lead_return")
    op.drop_index(op.f("ix_lead_return_buyer_id"), table_name="lead_return")
    op.drop_table("lead_return")
    op.drop_index(
        op.f("ix_verification_task_promised_to_id_not_before"),
        table_name="verification_task",
        postgresql_where=sa.text("status = 'queued' AND promised_to_id IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_verification_task_is_urgent_not_before_place"),
        table_name="verification_task",
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.drop_index(op.f("ix_verification_task_inspection_id"), table_name="verification_task")
    op.drop_index(
        op.f("ix_verification_task_claimed_by_id"),
        table_name="verification_task",
        postgresql_where=sa.text("status = 'claimed'"),
    )
    op.drop_table("verification_task")
    op.drop_index(
        op.f("ix_order_line_window_until"),
        table_name="order_line",
        postgresql_where=sa.text("status = 'delivered'"),
    )
    op.drop_index(op.f("ix_order_line_seller_id_id"), table_name="order_line")
    op.drop_index(op.f("ix_order_line_order_id"), table_name="order_line")
    op.drop_index(
        op.f("ix_order_line_lead_id_buyer_id"),
        table_name="order_line",
        postgresql_where=sa.text("status <> 'released'"),
    )
    op.drop_index(op.f("ix_order_line_buyer_id_id"), table_name="order_line")
    op.drop_table("order_line")
    op.drop_index(op.f("ix_delivery_status_deliver_by"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_table("sample")
    op.drop_index(op.f("ix_purchase_status"), table_name="purchase")
    op.drop_index(op.f("ix_purchase_listing_id"), table_name="purchase")
    op.drop_index(op.f("ix_purchase_buyer_id"), table_name="purchase")
    op.drop_table("purchase")
    op.drop_table("listing_terms")
    op.drop_index(op.f("ix_inspection_lead_id"), table_name="inspection")
    op.drop_table("inspection")
    op.drop_index(op.f("ix_contact_phone_index"), table_name="contact")
    op.drop_index(op.f("ix_contact_email_index"), table_name="contact")
    op.drop_table("contact")
    op.drop_table("consent")
    op.drop_index(op.f("ix_problem_row_batch_id_status"), table_name="problem_row")
    op.drop_table("problem_row")
    op.drop_index(op.f("ix_listing_vertical_id_status"), table_name="listing")
    op.drop_index(op.f("ix_listing_organization_id"), table_name="listing")
    op.drop_table("listing")
    op.drop_index(op.f("ix_lead_batch_id_status_region"), table_name="lead")
    op.drop_index(
        op.f("ix_lead_batch_id_requested_at_id"),
        table_name="lead",
        postgresql_where=sa.text("status = 'valid' AND is_sealed AND sold < sales_max"),
    )
    op.drop_table("lead")
    op.drop_index(
        op.f("ix_draw_organization_id"),
        table_name="draw",
        postgresql_where=sa.text("status = 'committed'"),
    )
    op.drop_table("draw")
    op.drop_index(op.f("ix_batch_organization_id_status"), table_name="batch")
    op.drop_table("batch")
    op.drop_index(op.f("ix_transfer_target_id"), table_name="transfer")
    op.drop_index(op.f("ix_transfer_source_id"), table_name="transfer")
    op.drop_table("transfer")
    op.drop_index(op.f("ix_sign_in_user_id"), table_name="sign_in")
    op.drop_table("sign_in")
    op.drop_index(op.f("ix_import_organization_id_file_sha256"), table_name="import")
    op.drop_table("import")
    op.drop_table("vertical_terms")
    op.drop_index(
        op.f("ix_top_up_payment_id"),
        table_name="top_up",
        postgresql_where=sa.text("status = 'succeeded' AND fee_booked_at IS NULL"),
    )
    op.drop_index(op.f("ix_top_up_organization_id"), table_name="top_up")
    op.drop_table("top_up")
    op.drop_table("source")
    op.drop_table("payout_account")
    op.drop_index(op.f("ix_payout_status"), table_name="payout")
    op.drop_index(op.f("ix_payout_organization_id"), table_name="payout")
    op.drop_table("payout")
    op.drop_index(op.f("ix_notice_organization_id_read_at"), table_name="notice")
    op.drop_table("notice")
    op.drop_index(op.f("ix_membership_organization_id"), table_name="membership")
    op.drop_table("membership")
    op.drop_table("lead_schema")
    op.drop_index(op.f("ix_invitation_organization_id"), table_name="invitation")
    op.drop_table("invitation")
    op.drop_index(op.f("ix_hold_subject_kind_subject_id"), table_name="hold")
    op.drop_index(op.f("ix_hold_organization_id_status"), table_name="hold")
    op.drop_table("hold")
    op.drop_table("fingerprint")
    op.drop_table("consent_text")
    op.drop_table("chain_tail")
    op.drop_table("chain_link")
    op.drop_index(op.f("ix_call_script_vertical_id_language"), table_name="call_script")
    op.drop_table("call_script")
    op.drop_index(op.f("ix_api_key_organization_id_revoked_at"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_index(op.f("ix_account_organization_id"), table_name="account")
    op.drop_table("account")
    op.drop_table("vertical")
    op.drop_table("user")
    op.drop_table("suppression_entry")
    op.drop_index(op.f("ix_posting_subject_kind_subject_id"), table_name="posting")
    op.drop_table("posting")
    op.drop_table("organization")
    op.drop_index(op.f("ix_inbound_event_status_next_attempt_at"), table_name="inbound_event")
    op.drop_index(op.f("ix_inbound_event_source_external_id"), table_name="inbound_event")
    op.drop_table("inbound_event")
    op.drop_table("idempotency_key")
    op.drop_index(op.f("ix_event_subject_kind_subject_id_occurred_at"), table_name="event")
    op.drop_index(op.f("ix_event_organization_id_occurred_at"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_commission_rate_scope_effective_from"), table_name="commission_rate")
    op.drop_table("commission_rate")
