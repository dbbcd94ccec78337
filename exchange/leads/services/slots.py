"""Verbs of slots: how often a lead is sold, counted under its own row lock.

The count is the first belt against overselling, the table's CHECK beside it never lets it pass
`sales_max`; the unique slot of an order line is the second.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select, update

from exchange.core.db import db
from exchange.leads.models import Lead, LeadStatus


def claim_slots(lead_ids: Collection[UUID]) -> dict[UUID, int]:
    """Take one more sale of each lead that still has one; by lead, how many were sold before.

    A lead that somebody took meanwhile, or that left sale, is missing from the answer. Waits for
    whoever holds a lead, in the order of ids, so that two claims cannot wait for each other.
    """
    locked = (
        select(Lead.id)
        .where(Lead.id == any_(literal(list(lead_ids), ARRAY(Uuid))))
        .order_by(Lead.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )
    statement = (
        update(Lead)
        .where(Lead.id == locked.c.id, Lead.status == LeadStatus.VALID, Lead.sold < Lead.sales_max)
        .values(sold=Lead.sold + 1)
        .returning(Lead.id, Lead.sold)
    )
    won = db.session.execute(statement, execution_options={"synchronize_session": False})
    return {row.id: row.sold - 1 for row in won}


def free_slots(lead_ids: Collection[UUID]) -> None:
    """Give one sale of each lead back; the caller has taken the slot from the line."""
    locked = (
        select(Lead.id)
        .where(Lead.id == any_(literal(list(lead_ids), ARRAY(Uuid))))
        .order_by(Lead.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )
    db.session.execute(
        update(Lead).where(Lead.id == locked.c.id).values(sold=Lead.sold - 1),
        execution_options={"synchronize_session": False},
    )
