"""The queue of each skill: what a claim asks of a call stands with the call."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

QUEUED = sa.text("status = 'queued'")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _name_lead_and_seller()
    op.drop_index("ix_verification_task_is_urgent_not_before_place", "verification_task")
    op.create_index(
        "ix_verification_task_queue",
        "verification_task",
        ["vertical_id", "language", "is_urgent", "not_before", "place"],
        unique=False,
        postgresql_where=QUEUED,
    )


def downgrade() -> None:
    op.drop_index("ix_verification_task_queue", "verification_task")
    op.create_index(
        "ix_verification_task_is_urgent_not_before_place",
        "verification_task",
        ["is_urgent", "not_before", "place"],
        unique=False,
        postgresql_where=QUEUED,
    )
    op.drop_column("verification_task", "seller_id")
    op.drop_column("verification_task", "lead_id")


def _name_lead_and_seller() -> None:
    """Calls that wait already take theirs from their question."""
    for column, table in (("lead_id", "lead"), ("seller_id", "organization")):
        op.add_column("verification_task", sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_verification_task_{column}_{table}"),
            "verification_task",
            table,
            [column],
            ["id"],
        )
    op.execute(
        "UPDATE verification_task AS task"
        " SET lead_id = asked.lead_id, seller_id = asked.organization_id"
        " FROM inspection AS asked WHERE asked.id = task.inspection_id"
    )
    for column in ("lead_id", "seller_id"):
        op.alter_column("verification_task", column, nullable=False)
