"""The database: records, locks and the three edges at which a unit of work ends.

`commit` and `rollback` stand in this file alone: a request, a job and a command each end here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from flask import Flask, Response, g
from flask_sqlalchemy import SQLAlchemy
from psycopg import adapters
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import (
    BigInteger,
    DateTime,
    Enum,
    LargeBinary,
    MetaData,
    Select,
    String,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedColumn,
    composite,
    mapped_column,
    registry,
)

from exchange.core import ids
from exchange.core.errors import NotFound
from exchange.core.money import Money

# Whatever is to happen around the end of a unit of work is kept on the session.
JOBS, REFUSALS, NOW, UNDO = "jobs", "refusals", "now", "undo"

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# Any: JSON documents are checked by a schema before they come here.
TYPES: dict[Any, Any] = {
    datetime: DateTime(timezone=True),
    bytes: LargeBinary,
    dict[str, Any]: JSONB,
    dict[str, int]: JSONB,
    dict[str, str]: JSONB,
    list[Any]: JSONB,
    list[str]: JSONB,
}


class Base(DeclarativeBase):
    """The declarative base; the registry carries the type map, as Flask-SQLAlchemy wants it."""

    registry = registry(metadata=MetaData(naming_convention=NAMES), type_annotation_map=TYPES)


# Lists are sent in binary: as text, which psycopg prefers, each element would be searched for what
# has to be quoted, six times as long for ids and twenty times for moments.
adapters.register_dumper(list, ListBinaryDumper)

db = SQLAlchemy(
    model_class=Base,
    session_options={
        "join_transaction_mode": "create_savepoint",
        "expire_on_commit": False,
        "autoflush": True,
    },
)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def sqlalchemy_url(url: str) -> str:
    """The same address with the driver named: a bare postgresql means psycopg 3 here."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def snake_case(name: str) -> str:
    """`OrderLine` to `order_line`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Record(Model):
    """A table with an identifier that sorts by time and the moment at which the row was made."""

    __abstract__ = True
    KIND: ClassVar[str]  # the noun in events and references
    PREFIX: ClassVar[str]  # the noun in public ids

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.uuid7, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(server_default=func.exchange_now(), sort_order=-1)

    def __init_subclass__(cls, **kwargs: Any) -> None:  # Any: SQLAlchemy's own signature
        if "__tablename__" not in cls.__dict__ and not cls.__dict__.get("__abstract__"):
            cls.__tablename__ = snake_case(cls.__name__)
        super().__init_subclass__(**kwargs)

    @property
    def public_id(self) -> str:
        """The id that people and programs outside see."""
        return ids.encode(self.PREFIX, self.id)


AnyRecord = TypeVar("AnyRecord", bound=Record)


def enum_column(kind: type[StrEnum]) -> Enum:
    """A text column that holds the values of `kind`, repeated in the table as a CHECK."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        values_callable=lambda members: [member.value for member in members],
        name=snake_case(kind.__name__),
        length=40,
    )


def money_columns(name: str) -> MappedColumn[Money]:
    """Two columns, `<name>_amount` and `<name>_currency`, read and written as one Money."""
    # Any: composite() and mapped_column() differ in type only for the checker.
    attribute: Any = composite(
        Money,
        mapped_column(f"{name}_amount", BigInteger),
        mapped_column(f"{name}_currency", String(3)),
    )
    return attribute  # type: ignore[no-any-return]  # see above


def parse_id(text: str, model: type[Record]) -> UUID:
    """The UUID behind a public id of `model`; raises NotFound for anything else."""
    value = ids.decode(model.PREFIX, text)
    if value is None:
        raise NotFound
    return value


def save(record: AnyRecord) -> AnyRecord:
    """Add the record and flush, so that its id and defaults are known."""
    db.session.add(record)
    db.session.flush()
    return record


def get(model: type[AnyRecord], record_id: UUID) -> AnyRecord:
    """The row by its id, for verbs; doors fetch for their viewer. Raises NotFound."""
    record = db.session.get(model, record_id)
    if record is None:
        raise NotFound
    return record


def lock(model: type[AnyRecord], record_id: UUID) -> AnyRecord:
    """The row as it is now, locked until the unit of work ends. Raises NotFound.

    Without populate_existing the session would hand out the stale copy it already holds.
    """
    record: AnyRecord | None = db.session.scalar(_locking(model), {"id": record_id})
    if record is None:
        raise NotFound
    return record


@cache
def _locking(model: type[AnyRecord]) -> Select[AnyRecord]:
    """The statement behind `lock`, put together once: nearly every verb asks it."""
    statement = select(model).where(model.id == bindparam("id")).with_for_update()
    return statement.execution_options(populate_existing=True)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """One verb, one transaction, for jobs and commands: commit at the end or change nothing."""
    try:
        yield
    except BaseException:
        _roll_back()
        raise
    _commit()


def end_request(response: Response) -> Response:
    """Commit a request that succeeded and roll back one that did not."""
    if g.get("unit_of_work_ended"):
        return response
    g.unit_of_work_ended = True
    if response.status_code < 400:  # the border between success and refusal
        _commit()
    else:
        _roll_back()
    return response


def roll_back_request() -> None:
    """Drop what the request did so far, keeping the refusals to be written."""
    _roll_back()


class TakenBack(Exception):  # nothing went wrong
    """What an attempt raises to change nothing, while the unit of work goes on."""


class Attempt:
    """A part of the unit of work that may be taken back: its rows, and the jobs it rang for.

    Raise TakenBack inside to do so; what was locked is free again, and what is raised otherwise
    passes through.
    """

    def __enter__(self) -> None:
        session = db.session()
        self._rung = len(session.info.get(JOBS, ()))
        self._nested = session.begin_nested().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._nested.__exit__(kind, error, trace)
        if not isinstance(error, TakenBack):
            return False
        del db.session().info.get(JOBS, [])[self._rung :]
        return True


def on_roll_back(step: Callable[[], None]) -> None:
    """Have this done when the present unit of work changes nothing after all.

    For what stands outside the database and cannot be taken back by it, such as a file.
    """
    db.session().info.setdefault(UNDO, []).append(step)


def _commit() -> None:
    session = db.session()
    session.commit()
    jobs = session.info.pop(JOBS, [])
    session.info.clear()
    for send in jobs:
        send()


def _roll_back() -> None:
    session = db.session()
    refusals = session.info.pop(REFUSALS, [])
    undo = session.info.pop(UNDO, [])
    session.rollback()
    session.info.clear()
    for step in undo:
        step()
    # A refusal is a fact too: it survives the request that was refused.
    if refusals:
        session.add_all(refusals)
        session.commit()


def init_app(app: Flask) -> None:
    """Bind the database and install the request's edge."""
    db.init_app(app)
    app.after_request(end_request)
