"""Rows of a draft that need their seller, and how far the check of its file is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


# Drafts of before have no rules and no name for their columns; the next check finds the rules.
COMPLETED = (
    """UPDATE import SET recognition = '{"columns": "", "offered": {}}' || recognition
        WHERE recognition <> '{}'""",
    """UPDATE import SET forecast = jsonb_build_object(
              'rules', '[]'::jsonb, 'words', '', 'dropped', 0, 'rows_about', forecast -> 'rows'
            ) || forecast
        WHERE forecast ? 'rows'""",
)


def upgrade() -> None:
    op.add_column("import", sa.Column("revision", sa.Integer(), nullable=True))
    op.execute("UPDATE import SET revision = 0")
    op.alter_column("import", "revision", nullable=False)
    op.add_column("import", sa.Column("checked_revision", sa.Integer(), nullable=True))
    op.add_column("import", sa.Column("check_rows", sa.Integer(), nullable=True))
    op.execute("UPDATE import SET check_rows = 0")
    op.alter_column("import", "check_rows", nullable=False)
    op.add_column(
        "import", sa.Column("check_started_at", sa.DateTime(timezone=True), nullable=True)
    )
    for statement in COMPLETED:
        op.execute(sa.text(statement))
    op.create_table(
        "import_row",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "valid",
                "in_review",
                "invalid",
                "duplicate",
                "suppressed",
                name="row_end",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("findings", JSONB, nullable=False),
        sa.Column("locked", sa.LargeBinary(), nullable=False),
        sa.Column("edited", sa.LargeBinary(), nullable=True),
        sa.Column("is_dropped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_import_row_import_id")),
        sa.PrimaryKeyConstraint("import_id", "row_number", name=op.f("pk_import_row")),
    )


def downgrade() -> None:
    op.drop_table("import_row")
    for name in ("check_started_at", "check_rows", "checked_revision", "revision"):
        op.drop_column("import", name)
