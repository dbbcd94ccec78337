"""What a column's cells look like when its header says nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from exchange.catalog.fields import FieldType

LENGTH_MAX: Final = 300  # characters; longer cells have none of the shapes
SHARE_MIN: Final = 0.7  # of filled cells that must have the shape


class Shape(StrEnum):
    """The surest first: a date and time has as many digits as a phone number."""

    EMAIL = "email"
    URL = "url"
    MOMENT = "moment"
    PHONE = "phone"
    NAME = "name"


SHAPE_OF: Final = {
    FieldType.PHONE: Shape.PHONE,
    FieldType.EMAIL: Shape.EMAIL,
    FieldType.URL: Shape.URL,
    FieldType.DATETIME: Shape.MOMENT,
    FieldType.NAME: Shape.NAME,
}

_PATTERNS: Final = {
    # Nine digits and more; dates, prices and numbers of rows have fewer or other signs. Four
    # numbers up to 255 with dots between them are the address of a computer.
    Shape.PHONE: re.compile(
        r"(?!(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$)"
        r"['=]?[+\s(]*\d(?:[\s().\-–]*\d){8,14}(?:\.0| ?(?:x|ext|доб)\.? ?\d{1,5})?"
    ),
    Shape.EMAIL: re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    Shape.URL: re.compile(r"https?://\S+", re.IGNORECASE),
    Shape.MOMENT: re.compile(
        r"\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{2}\S*(?: ?\S+)?"
        r"|\d{1,2}[./-]\d{1,2}[./-]\d{4},? \d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?"
    ),
    # Two to four words that begin with a capital letter, and no digit.
    Shape.NAME: re.compile(
        r"[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*(?: [^\W\d_][^\W\d_'’.-]*\.?){1,3}"
    ),
}


def find_shape(cells: Sequence[str]) -> Shape | None:
    """The surest shape that the column has."""
    return next((shape for shape in Shape if shape_share(cells, shape) >= SHARE_MIN), None)


def shape_share(cells: Sequence[str], shape: Shape) -> float:
    """The share of filled cells that have the shape, from 0 to 1."""
    if not cells:
        return 0.0
    return sum(_has(cell, shape) for cell in cells) / len(cells)


def _has(cell: str, shape: Shape) -> bool:
    if len(cell) > LENGTH_MAX or not _PATTERNS[shape].fullmatch(cell):
        return False
    return shape is not Shape.NAME or all(word[0].isupper() for word in cell.split())
