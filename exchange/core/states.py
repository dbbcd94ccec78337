"""State machines: the only two functions that assign a status.

Each model declares `TRANSITIONS` beside its enum; the table repeats the enum as a CHECK.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar, Protocol, cast

from sqlalchemy import ColumnElement, CursorResult, update

from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.db import Record, db
from exchange.core.errors import IllegalTransition

Graph = dict[Any, set[Any]]  # Any: each machine has an enum of its own


class Stateful(Protocol):
    """A record with a status and a declared graph."""

    TRANSITIONS: ClassVar[Graph]
    status: Any  # Any: see Graph


def transition(record: Record, to: StrEnum, *, actor: Actor, **facts: Any) -> events.Event:
    """Move one record along its graph and record `kind.status`. Raises IllegalTransition."""
    machine = cast("Stateful", record)  # every record with a status declares its graph
    before = machine.status
    if to not in machine.TRANSITIONS[before]:
        raise IllegalTransition(
            f"This {record.KIND} is {before} and cannot become {to}.", before=str(before)
        )
    machine.status = to
    db.session.flush()
    return events.record(
        f"{record.KIND}.{to}", subject=record, actor=actor, before=str(before), **facts
    )


def transition_all(
    model: type[Record],
    *,
    where: Sequence[ColumnElement[bool]],
    to: StrEnum,
    parent: Record,
    actor: Actor,
    **facts: Any,
) -> int:
    """Move every matching row that may go there, in one guarded UPDATE; returns how many.

    One event `kind.status` is recorded on the parent with the count. Rows in a state from which
    the step is not declared stay as they are.
    """
    machine = cast("type[Stateful]", model)  # as above
    sources = [status for status, targets in machine.TRANSITIONS.items() if to in targets]
    statement = update(model).where(*where, machine.status.in_(sources)).values(status=to)
    # Rows that the session holds already are refreshed too.
    result = db.session.execute(statement, execution_options={"synchronize_session": "fetch"})
    moved = cast("CursorResult[Any]", result).rowcount  # an UPDATE always yields a cursor
    if moved:
        events.record(f"{model.KIND}.{to}", subject=parent, actor=actor, count=moved, **facts)
    return moved
