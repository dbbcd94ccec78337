"""Blocks of rows on their way from the confined reader: JSON, whose types are looked at.

The reader of a file may be in the hands of whoever wrote the file. What it sends is read by
processes that hold keys, so it is a format that can say nothing but values.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from types import NoneType
from typing import Final

import orjson

from exchange.leads.findings import FileReject
from exchange.leads.reading import Row

# Of number, line, cells and problem.
_TYPES: Final = tuple(map(frozenset, ((int,), (int,), (list,), (str, NoneType))))
_TEXT: Final = frozenset({str})


def pack(rows: Iterable[Row]) -> bytes:
    """The rows as a JSON list of (number, line, cells, problem)."""
    return orjson.dumps([tuple(row) for row in rows])


def unpack(block: bytes) -> list[Row]:
    """The rows of a block. Raises FileReject(damaged) for anything that `pack` does not make."""
    try:
        rows = [*map(Row._make, orjson.loads(block))]
        _require_types(rows)
    except (TypeError, ValueError):
        raise FileReject("damaged") from None
    return rows


def _require_types(rows: list[Row]) -> None:
    """Raise TypeError for values of other types; at the speed of the interpreter's own loops."""
    for expected, values in zip(_TYPES, zip(*rows, strict=True), strict=False):
        if not expected.issuperset(map(type, values)):
            raise TypeError
    if not _TEXT.issuperset(map(type, chain.from_iterable(row.cells for row in rows))):
        raise TypeError
