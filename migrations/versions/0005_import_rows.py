"""Tables of this step: draft rows that need their seller."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by its owner."""


def downgrade() -> None:
    """Filled by its owner."""
