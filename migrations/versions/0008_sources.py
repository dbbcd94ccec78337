"""Tables of this step: the card of a source."""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by its owner."""


def downgrade() -> None:
    """Filled by its owner."""
