"""Rows in PostgreSQL's binary COPY format: made beside the database, written without parsing.

Each function gives a field with its length in front; a row is its `head` and its fields. See
"Binary Format" under COPY in PostgreSQL's manual.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, Final
from uuid import UUID

import orjson

NULL: Final = b"\xff\xff\xff\xff"
HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
# PostgreSQL counts time from here, in microseconds.
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)

_length = Struct("!i").pack
_count = Struct("!h").pack
_integer = Struct("!ii").pack
_small_integer = Struct("!ih").pack
_moment = Struct("!iq").pack
_TRUE, _FALSE = _length(1) + b"\x01", _length(1) + b"\x00"
_UUID_LENGTH = _length(16)
_MICROSECOND = timedelta(microseconds=1)


def binary(value: bytes | None) -> bytes:
    """A field of type bytea."""
    return NULL if value is None else _length(len(value)) + value


def string(value: str) -> bytes:
    """A field of type text or varchar."""
    data = value.encode()
    return _length(len(data)) + data


def integer(value: int) -> bytes:
    """A field of type integer."""
    return _integer(4, value)


def small_integer(value: int) -> bytes:
    """A field of type smallint."""
    return _small_integer(2, value)


def boolean(value: bool) -> bytes:  # noqa: FBT001  # one value in, one field out
    """A field of type boolean."""
    return _TRUE if value else _FALSE


def identifier(value: bytes) -> bytes:
    """A field of type uuid, from its 16 bytes."""
    return _UUID_LENGTH + value


def moment(value: datetime | None) -> bytes:
    """A field of type timestamptz, exact to the microsecond."""
    return NULL if value is None else _moment(8, (value - EPOCH) // _MICROSECOND)


def document(value: Any) -> bytes:  # Any: JSON
    """A field of type jsonb."""
    data = orjson.dumps(value)
    return _length(len(data) + 1) + b"\x01" + data


def head(count: int) -> bytes:
    """What a row of so many fields begins with."""
    return _count(count)


def fields_of(*values: object) -> bytes:
    """Several fields at once, by the types of their values; dicts and lists become jsonb."""
    return b"".join(map(_field, values))


def _field(value: object) -> bytes:
    return _BY_TYPE.get(type(value), document)(value)


_BY_TYPE: Final[dict[type, Callable[[Any], bytes]]] = {
    type(None): binary,
    bool: boolean,
    int: integer,
    str: string,
    bytes: binary,
    datetime: moment,
    UUID: lambda value: identifier(value.bytes),
}
