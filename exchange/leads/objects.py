"""NDJSON: one flat object on each line; the keys of the first rows are the header.

A value is taken as it is written, so that no digit of a number is lost. What is nested, or no
object at all, costs its own row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TextIO

from exchange.leads.findings import FileReject, Note
from exchange.leads.layout import SAMPLE_ROWS, Layout, is_filled, looks_like_data, shown_header
from exchange.leads.records import LOOKAHEAD, Record

LINE_MAX: Final = 131_072  # characters; a longer line is no row within the limits
LATER_KEYS_SHOWN: Final = 10
KEY_SHOWN: Final = 50  # characters
_SHOWN: Final = 200  # characters of a line that could not be read
_MARGIN: Final = "\ufeff \t\r\n\x1a"

Pairs = list[tuple[str, Any]]  # Any: a JSON value; lists and objects are lists


def are_in(text: str) -> bool:
    """Whether the first line that says something is an object of its own."""
    return _pairs(text.lstrip(_MARGIN).partition("\n")[0]) is not None


class Objects:
    """The records of lines with one object each, their cells in the order of `header`."""

    def __init__(self, lines: Iterable[str], *, header: Sequence[str]) -> None:
        self._lines = lines
        self._place = {name: index for index, name in enumerate(header)}

    def __iter__(self) -> Iterator[Record]:
        for number, line in enumerate(self._lines, 1):
            yield self._record(number, line) if line.strip(_MARGIN) else Record(number, [], 0)

    def _record(self, number: int, line: str) -> Record:
        if len(line) > LINE_MAX:
            return Record(number, [line[:_SHOWN]], len(line), "row_too_long")
        pairs = _pairs(line)
        if pairs is None:
            return Record(number, [line[:_SHOWN]], len(line), "json_invalid")
        cells: list[str | None] = [None] * len(self._place)
        problem = None
        for key, value in pairs:
            place = self._place.get(shown_header(key))
            if place is None:
                continue
            if isinstance(value, list):
                problem = problem or "nested_value"
            elif cells[place] is not None:
                problem = problem or "json_invalid"  # the same key twice
            cells[place] = _text(value)
        return Record(number, [cell or "" for cell in cells], len(line), problem)


def find_objects(text: TextIO, *, columns_max: int) -> Layout:
    """The layout of a text with one object on each line; all of it is looked at.

    Raises FileReject: `no_rows`, `too_many_columns`.
    """
    first: list[str] = []
    header: dict[str, None] = {}
    later: dict[str, None] = {}
    for line in lines_of(text):
        keys = [shown_header(key) for key, _ in _pairs(line) or ()]
        if len(first) < SAMPLE_ROWS:
            first.append(line)
            header.update(dict.fromkeys(keys))
        elif len(later) <= LATER_KEYS_SHOWN:
            later.update(dict.fromkeys(key for key in keys if key not in header))
    if not header:
        raise FileReject("no_rows", blank=len(first))
    if len(header) > columns_max:
        raise FileReject("too_many_columns", found=len(header), limit=columns_max)
    records = Objects(first, header=tuple(header))
    rows = [record.cells for record in records if not record.problem and is_filled(record.cells)]
    return Layout(",", '"', 0, tuple(header), rows, (), (Note("format", "NDJSON"), *_named(later)))


def lines_of(text: TextIO) -> Iterator[str]:
    """The lines with what is beyond any limit left out of them."""
    while line := text.readline(LOOKAHEAD):
        rest = line
        while rest and rest[-1] != "\n":
            rest = text.readline(LOOKAHEAD)
        yield line


def _named(later: Iterable[str]) -> tuple[Note, ...]:
    """Keys that come too late to be columns, as far as they are names and not somebody's data."""
    names = [key[:KEY_SHOWN] for key in later if not looks_like_data([key])]
    if len(names) > LATER_KEYS_SHOWN:
        names[LATER_KEYS_SHOWN:] = ["…"]
    return (Note("later_keys", ", ".join(names)),) if names else ()


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=list, parse_int=str, parse_float=str, parse_constant=_refuse
)


def _pairs(line: str) -> Pairs | None:
    """Keys and values of the object that the line is; None where it is none."""
    text = line.strip(_MARGIN)
    if text[:1] != "{":
        return None
    try:
        pairs: Pairs = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return pairs


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)[:_SHOWN]
    return "" if value is None else str(value)
