"""Tables of this step: what people may ask for."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by its owner."""


def downgrade() -> None:
    """Filled by its owner."""
