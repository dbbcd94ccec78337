"""The file of bought leads: a table that a spreadsheet reads right and never runs. Pure.

Words are the reader's, times stand in the reader's zone and money is a plain number, so that it
can be sorted and added up.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from exchange.catalog.fields import FieldSpec, FieldType, LeadFields
from exchange.core.money import Currency
from exchange.leads.problems import defused

MARK: Final = "\ufeff"  # by which spreadsheets know UTF-8
IDS: Final = ("line", "lead")
TIMES: Final = ("requested_at", "delivered_at", "return_until")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose words and whose clock."""

    language: str
    zone: tzinfo
    words: Mapping[str, str]  # for yes and no, and for the heads of ids and times


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, the key of its value in a row, and how the value is written."""

    head: str
    key: str
    write: Callable[[Any], str] = str  # Any: JSON values and moments


def columns(fields: LeadFields, *, currency: Currency, reader: Reader) -> list[Column]:
    """Ids, times, and every field of the schema in its order."""
    own = [Column(reader.words[name], name) for name in IDS]
    times = [
        Column(f"{reader.words[name]} ({reader.zone})", name, _clock(reader.zone)) for name in TIMES
    ]
    specs = [spec for spec in fields.specs if spec.contact or spec.is_attribute]
    return [*own, *times, *(_column(spec, currency=currency, reader=reader) for spec in specs)]


def table(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], *, separator: str) -> bytes:
    """The table as UTF-8 with a mark; no cell of it is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(defused(column.head) for column in columns)
    for row in rows:
        writer.writerow(_cell(row.get(column.key), column) for column in columns)
    return (MARK + text.getvalue()).encode("utf-8", "replace")


def _cell(value: Any, column: Column) -> str:  # Any: see Column
    return "" if value is None else defused(column.write(value))


def _column(spec: FieldSpec, *, currency: Currency, reader: Reader) -> Column:
    head = spec.label_in(reader.language)
    if spec.type is FieldType.MONEY:
        return Column(f"{head}, {currency}", spec.name, lambda value: _decimal(value, currency))
    if spec.type is FieldType.BOOLEAN:
        return Column(head, spec.name, lambda value: reader.words["yes" if value else "no"])
    return Column(head, spec.name, lambda value: spec.value_label(value, language=reader.language))


def _decimal(amount: int, currency: Currency) -> str:
    whole, part = divmod(abs(amount), 10**currency.exponent)
    return f"{'-' if amount < 0 else ''}{whole}.{part:0{currency.exponent}}"


def _clock(zone: tzinfo) -> Callable[[datetime], str]:
    return lambda moment: moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
