"""Who may call for what, and the purposes of checks beside the sample's own."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PURPOSES = ("sample", "full_inspection", "return", "guarantee", "gold", "double")
ADDED = ("source", "follow_up")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _allow_purposes(PURPOSES + ADDED)
    op.create_table(
        "qualification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("exchange_now()"),
            nullable=False,
        ),
        sa.Column("verifier_id", sa.Uuid(), nullable=False),
        sa.Column("vertical_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "learning",
                "qualified",
                "paused",
                name="qualification_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("qualified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["verifier_id"], ["user.id"], name=op.f("fk_qualification_verifier_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["vertical_id"], ["vertical.id"], name=op.f("fk_qualification_vertical_id_vertical")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification")),
        sa.UniqueConstraint(
            "verifier_id",
            "vertical_id",
            "language",
            name=op.f("uq_qualification_verifier_id_vertical_id_language"),
        ),
    )
    op.create_index(
        op.f("ix_qualification_vertical_id_language"),
        "qualification",
        ["vertical_id", "language"],
        unique=False,
        postgresql_where=sa.text("status = 'qualified'"),
    )


def downgrade() -> None:
    op.drop_table("qualification")
    _allow_purposes(PURPOSES)


def _allow_purposes(purposes: tuple[str, ...]) -> None:
    op.drop_constraint("inspection_purpose", "inspection", type_="check")
    op.create_check_constraint(
        "inspection_purpose", "inspection", sa.column("purpose").in_(purposes)
    )
