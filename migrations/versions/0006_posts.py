"""Tables of this step: leads that are posted one by one."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by its owner."""


def downgrade() -> None:
    """Filled by its owner."""
