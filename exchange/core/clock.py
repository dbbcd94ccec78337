"""The one source of time: `exchange_now()` in the database (decision 22).

It is the clock plus an offset that only a sandbox or demo instance can have. Deadlines are
decided by `after_lock()`: a transaction that waited for a lock must not use the time it began.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Interval, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import NOW, Model, db, enum_column
from exchange.core.errors import Forbidden

AT: Final = select(func.exchange_now())  # asked at every request, so it is put together once


class InstanceKind(StrEnum):
    LIVE = "live"
    SANDBOX = "sandbox"  # nobody is called, charged or paid; the clock can be moved
    DEMO = "demo"  # a sandbox with a story


class Instance(Model):
    """The single row that says what this installation is; only the owner may change its kind."""

    __tablename__ = "instance"

    id: Mapped[int] = mapped_column(primary_key=True)  # always 1
    kind: Mapped[InstanceKind] = mapped_column(enum_column(InstanceKind))
    clock_offset: Mapped[timedelta] = mapped_column(Interval)


def now() -> datetime:
    """The time of this unit of work: asked once, the same for all it does."""
    info = db.session().info
    if NOW not in info:
        info[NOW] = after_lock()
    moment: datetime = info[NOW]
    return moment


def it_is(moment: datetime) -> None:
    """Take a moment that a statement of this unit of work has just asked for as its time."""
    db.session().info.setdefault(NOW, moment)


def after_lock() -> datetime:
    """The time at this very moment, for deadlines that are decided behind a lock."""
    moment: datetime | None = db.session.scalar(AT)
    assert moment is not None
    return moment


def instance_kind() -> InstanceKind:
    """What this installation is: live, sandbox or demo."""
    kind = db.session.scalar(select(Instance.kind))
    return InstanceKind.LIVE if kind is None else kind


def advance(step: timedelta) -> datetime:
    """Move the clock of a sandbox or demo forward. Raises Forbidden on a live instance."""
    if instance_kind() is InstanceKind.LIVE:
        raise Forbidden("Only a sandbox or demo instance can move its clock.")
    db.session.execute(update(Instance).values(clock_offset=Instance.clock_offset + step))
    db.session().info.pop(NOW, None)
    return now()
