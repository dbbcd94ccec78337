"""Steps that several verbs of this package take with order lines; lines are locked by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from exchange.billing.services import holds
from exchange.core.actors import Actor
from exchange.core.db import db
from exchange.core.events import Ref
from exchange.core.states import transition_all
from exchange.leads.services.slots import free_slots
from exchange.market.models import LineStatus, Order, OrderLine
from exchange.market.queries.stock import in_list
from exchange.market.services import caps, meetings


def refs(line_ids: Sequence[UUID]) -> list[Ref]:
    """How the books know these lines."""
    return [Ref(OrderLine.KIND, line_id) for line_id in line_ids]


def lock_lines_of_lead(lead_id: UUID) -> Sequence[OrderLine]:
    """Every line of a lead as it is now, locked in the order of their ids."""
    statement = select(OrderLine).where(OrderLine.lead_id == lead_id).order_by(OrderLine.id)
    locked = statement.with_for_update(key_share=True)
    return db.session.scalars(locked.execution_options(populate_existing=True)).all()


def release(order: Order, lines: dict[UUID, UUID], *, reason: str, actor: Actor) -> None:
    """Let go of reserved lines (by id, with their leads): money, slots and caps go back."""
    if not lines:
        return
    transition_all(
        OrderLine,
        where=[in_list(OrderLine.id, lines)],
        to=LineStatus.RELEASED,
        parent=order,
        actor=actor,
        reason=reason,
    )
    give_slots_back(lines)
    holds.release_all(refs=refs(list(lines)), actor=actor)
    caps.give_back(lines)  # last: matching counts behind the wallets' locks, too


def give_slots_back(lines: dict[UUID, UUID]) -> None:
    """Take the slots from these lines and from the count of their leads."""
    db.session.execute(
        update(OrderLine).where(in_list(OrderLine.id, lines)).values(slot=None),
        execution_options={"synchronize_session": "fetch"},
    )
    free_slots(list(lines.values()))
    meetings.meet_again(list(lines.values()))
