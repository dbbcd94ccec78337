"""Lists as rows: one statement for any number of them, of the same shape each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, TableValuedAlias, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert
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
    types = {column.name: column.type for column in model.__table__.c}
    each = [_each(types[name], [row[name] for row in rows]).label(name) for name in rows[0]]
    values = [literal(value, types[name]).label(name) for name, value in same.items()]
    source = select(*each, *values)
    return insert(model).from_select([*rows[0], *same], source, include_defaults=False)


def _each(kind: TypeEngine[Any], values: list[Any]) -> ColumnElement[Any]:  # Any: see Row
    """These values one by one, in step with others of a SELECT."""
    if isinstance(kind, JSONB):
        # One document: in an array of documents each quotation mark would have to be escaped.
        return func.jsonb_array_elements(literal(values, kind), type_=kind)
    return func.unnest(literal(values, ARRAY(kind)), type_=kind)
