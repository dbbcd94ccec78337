"""In which order a file writes its dates and with which mark its decimals.

The vertical says what is usual in its country; where the cells say otherwise it is asked, with the
order that the cells show as the guess.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from exchange.catalog.fields import NUMBERS, TIMES, LeadFields
from exchange.catalog.values import DateOrder, ParseContext
from exchange.core.errors import Invalid
from exchange.leads.findings import Question

# A date with day and month in doubt; the year has four digits.
_DATE: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{4}\b.*")
# Digits behind a mark that can only be decimals: one, two, or more than three.
_DECIMAL: Final = re.compile(r"[^\d]{0,4}\d[\d ]*([.,])(?:\d{1,2}|\d{4,})(?!\d).*")
_MARKS: Final = (".", ",")
_CELL_MAX: Final = 64  # characters; longer cells hold neither


def settle_formats(
    columns: Mapping[str, int],
    sample: Sequence[Sequence[str]],
    *,
    fields: LeadFields,
    context: ParseContext,
    answers: Mapping[str, str],
) -> tuple[ParseContext, tuple[Question, ...]]:
    """The context in which the cells are read, with what must be asked about it.

    `answers` (date_order, decimal_separator) settle it. Raises Invalid for an answer that is no
    option.
    """
    dates = _cells(columns, sample, [s.name for s in fields.specs if s.type in TIMES])
    orders = Counter(str(order) for order in map(_order_of, dates) if order)
    numbers = _cells(columns, sample, [s.name for s in fields.specs if s.type in NUMBERS])
    marks = Counter(found[1] for found in map(_DECIMAL.fullmatch, numbers) if found)
    date_order = _Choice("date_order", tuple(map(str, DateOrder)), context.date_order, orders)
    decimal = _Choice("decimal_separator", _MARKS, context.decimal_separator, marks)
    order = date_order.settled(answers)
    settled = replace(
        context,
        date_order=DateOrder(order) if order else None,
        decimal_separator=decimal.settled(answers),
    )
    return settled, (*date_order.questions(answers), *decimal.questions(answers))


class _Choice(NamedTuple):
    """One thing that a file may write in several ways: the options, the usual one, what is seen."""

    name: str
    options: tuple[str, ...]
    usual: str | None
    seen: Counter[str]

    def settled(self, answers: Mapping[str, str]) -> str | None:
        """The answer; else what most cells show; else the usual."""
        if self.name not in answers:
            return self.seen.most_common(1)[0][0] if self.seen else self.usual
        if answers[self.name] not in self.options:
            options = ", ".join(self.options)
            raise Invalid(f"{self.name} is one of: {options}.", code="value_not_allowed")
        return answers[self.name]

    def questions(self, answers: Mapping[str, str]) -> tuple[Question, ...]:
        """Asked where the cells show something else than the usual, or both."""
        if self.name in answers or not self.seen or set(self.seen) == {self.usual}:
            return ()
        return (Question(self.name, self.name, self.options, self.settled(answers)),)


def _cells(
    columns: Mapping[str, int], sample: Sequence[Sequence[str]], names: Iterable[str]
) -> Iterator[str]:
    for name in names:
        index = columns.get(name)
        if index is not None:
            cells = (row[index].strip() for row in sample if index < len(row))
            yield from (cell for cell in cells if len(cell) <= _CELL_MAX)


def _order_of(cell: str) -> DateOrder | None:
    """The only order in which the cell is a date; None where both or neither are."""
    found = _DATE.fullmatch(cell)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2])
    if first > 12 >= second:
        return DateOrder.DMY
    return DateOrder.MDY if second > 12 >= first else None
