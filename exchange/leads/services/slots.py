"""Verbs of slots: how often a lead is sold, counted under its own row lock.

The count is the first belt against overselling, the table's CHECK beside it never lets it pass
`sales_max`; the unique slot of an order line is the second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, any_, func, literal, select, update

from exchange.core import clock
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


def open_aged_slots(first_sold: Mapping[UUID, datetime]) -> int:
    """Let each sold-out lead be sold once more, as aged, and note when it was sold first.

    Once in the life of a lead; who was aged or came back meanwhile is passed over. Returns how
    many there are.
    """
    each = func.unnest(
        literal(list(first_sold), ARRAY(Uuid)),
        literal(list(first_sold.values()), ARRAY(DateTime(timezone=True))),
    )
    given = each.table_valued("lead_id", "sold_at").render_derived()
    locked = (
        select(Lead.id, given.c.sold_at)
        .join(given, given.c.lead_id == Lead.id)
        .order_by(Lead.id)
        .with_for_update(of=Lead, key_share=True)
        .cte("locked")
    )
    fit = (Lead.status == LeadStatus.VALID, Lead.aged_at.is_(None), Lead.sold == Lead.sales_max)
    done = db.session.execute(
        update(Lead)
        .where(Lead.id == locked.c.id, *fit)
        .values(sales_max=Lead.sales_max + 1, aged_at=clock.now(), first_sold_at=locked.c.sold_at)
        .returning(Lead.id),
        execution_options={"synchronize_session": False},
    )
    return len(done.all())
