"""Lists as rows: one statement for any number of them, of the same shape each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, TableValuedAlias, func, literal
from sqlalchemy.types import TypeEngine

Columns = Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]  # Any: values of many types


def rows_of(columns: Columns) -> TableValuedAlias:
    """These lists, all of one length, as the columns of a table to select from or to join."""
    arrays = [literal(list(values), ARRAY(kind)) for kind, values in columns.values()]
    return func.unnest(*arrays).table_valued(*columns).render_derived("given")
