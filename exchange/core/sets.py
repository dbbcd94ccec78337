"""Lists as rows: one statement for any number of them, of the same shape each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, TableValuedAlias, func, literal, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.types import TypeEngine

from exchange.core.db import Model

Columns = Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]  # Any: values of many types
Row = Mapping[str, Any]  # Any: by the name of a column, values of many types


def rows_of(columns: Columns) -> TableValuedAlias:
    """These lists, all of one length, as the columns of a table to select from or to join."""
    arrays = [literal(list(values), ARRAY(kind)) for kind, values in columns.values()]
    return func.unnest(*arrays).table_valued(*columns).render_derived("given")


def insert_rows(model: type[Model], rows: Sequence[Row], **same: Any) -> Insert:  # Any: see Row
    """The statement that writes these rows, of which there is one; `same` stands in each of them.

    They name the same columns. What is not named is left to the database.
    """
    columns = model.__table__.c
    given = rows_of({name: (columns[name].type, [row[name] for row in rows]) for name in rows[0]})
    values = [literal(value, columns[name].type).label(name) for name, value in same.items()]
    source = select(*given.c, *values)
    return insert(model).from_select([*rows[0], *same], source, include_defaults=False)
