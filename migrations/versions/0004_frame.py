"""A lead is in the sampling frame from the moment it is written; keyed hashes are 16 bytes."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# 128 bits: among ten billion people the chance of one collision is below one in a billion.
SHORTENED = {
    "contact": ("phone_index", "email_index"),
    "fingerprint": ("hash",),
    "suppression_entry": ("hash",),
}


def upgrade() -> None:
    op.alter_column("lead", "is_sealed", new_column_name="in_frame")
    for table, columns in SHORTENED.items():
        values = ", ".join(f"{column} = substring({column} FOR 16)" for column in columns)
        op.execute(f"UPDATE {table} SET {values}")  # names of this file


def downgrade() -> None:
    op.alter_column("lead", "in_frame", new_column_name="is_sealed")
