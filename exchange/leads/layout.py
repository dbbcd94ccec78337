"""How a text is laid out as a table: what separates and quotes its cells, where its header is.

Decided on the first rows. What has one reading is noted, what has two is asked, and a file whose
rows disagree is refused.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import log2
from typing import Final

from exchange.core.errors import Invalid
from exchange.leads.findings import FileReject, Note, Question
from exchange.leads.problems import undefused
from exchange.leads.records import Records

DELIMITERS: Final = (",", ";", "\t", "|")
_NAMES: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}

SAMPLE_ROWS: Final = 300
PREVIEW_ROWS: Final = 5  # of a question about the separator
MIXED_SHARE_MAX: Final = 0.2  # of rows with another separator; above it the file is refused
CONSISTENT_SHARE: Final = 0.95  # of rows with as many columns as the header
TITLE_ROWS_MAX: Final = 10  # lines such as "Report of May" above the header
HEADER_CELL_MAX: Final = 500  # characters; longer is no header

# The first line by which Excel is told the separator.
_SEP_LINE: Final = re.compile(r'"?sep=(.)"?\s*(?:\n|$)', re.IGNORECASE)
# A header does not hold an e-mail address, nor ten digits in a row of signs of a phone.
_DATA: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+?\d(?:[\s().-]*\d){9,}")

# What a database does not take: NUL, and bytes that could not be read.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")

Cells = list[str]


@dataclass(frozen=True, slots=True)
class Layout:
    delimiter: str
    quote: str
    header_row: int  # how many records stand above the data
    header: tuple[str, ...]
    rows: list[Cells]  # first records below the header; personal data
    questions: tuple[Question, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The first records, as one separator splits them."""

    delimiter: str
    table: list[Cells]

    @property
    def filled(self) -> list[Cells]:
        return [cells for cells in self.table if is_filled(cells)]

    @property
    def width(self) -> int:
        """The commonest number of columns; the earlier one where two are as common."""
        return Counter(map(len, self.filled)).most_common(1)[0][0]

    @property
    def share(self) -> float:
        """The share of rows with the commonest number of columns; half where the header differs."""
        filled, width = self.filled, self.width
        share = sum(len(cells) == width for cells in filled) / len(filled)
        return share if len(filled[0]) == width else share / 2

    @property
    def score(self) -> float:
        """Columns, weighed by how many rows have them."""
        return self.share * log2(self.width)

    @property
    def is_consistent(self) -> bool:
        return self.width > 1 and self.share >= CONSISTENT_SHARE


def find_layout(
    text: str, *, is_whole: bool, answers: Mapping[str, str], columns_max: int
) -> Layout:
    """The layout of the text with which a file begins.

    Raises FileReject: `no_rows`, `delimiter_unclear`, `too_many_columns`. Raises Invalid for an
    answer that is no option.
    """
    notes = _line_end_notes(text)
    text = _whole_lines(text, is_whole=is_whole)
    if not text.strip(' \t\r\n\x1a,;|"\ufeff\xa0'):
        raise FileReject("no_rows", blank=text.count("\n"))
    declared = _SEP_LINE.match(text)
    delimiter, questions = _delimiter(text, answers, declared)
    quote = _quote(text, delimiter)
    table = _table(text, delimiter, quote)
    layout = find_header(
        table,
        above=1 if declared else 0,
        is_whole=is_whole,
        answers=answers,
        columns_max=columns_max,
    )
    if delimiter != ",":
        notes.append(Note("delimiter", delimiter))
    return replace(
        layout,
        delimiter=delimiter,
        quote=quote,
        questions=(*questions, *layout.questions),
        notes=tuple(notes),
    )


def find_header(
    table: Sequence[Cells],
    *,
    above: int,
    is_whole: bool,
    answers: Mapping[str, str],
    columns_max: int,
) -> Layout:
    """Where the header of a table is; `above` are records over it that are no table.

    Raises FileReject: `no_rows`, `too_many_columns`, `delimiter_unclear`. Raises Invalid for an
    answer that is no option.
    """
    if not any(map(is_filled, table[above:])):
        raise FileReject("no_rows", blank=len(table))
    header_row, asked = _header_row(table, above, answers)
    header = _header(table, header_row, above, columns_max=columns_max)
    rows = [cells for cells in table[header_row:] if is_filled(cells)]
    if is_whole and not rows:
        raise FileReject("no_rows", blank=len(table) - header_row)
    return Layout(",", '"', header_row, header, rows, asked, ())


def _line_end_notes(text: str) -> list[Note]:
    ends = Counter(re.findall("\r\n|\r|\n", text))
    if len(ends) > 1:
        return [Note("line_ends", "mixed")]
    return [Note("line_ends", "cr")] if "\r" in ends else []


def _whole_lines(text: str, *, is_whole: bool) -> str:
    """The text with plain line ends, without the line in which the first bytes stopped."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if is_whole or "\n" not in text:
        return text
    return text[: text.rindex("\n") + 1]


def _table(text: str, delimiter: str, quote: str) -> list[Cells]:
    records = Records(io.StringIO(text), delimiter=delimiter, quote=quote)
    return [record.cells for record in islice(records, SAMPLE_ROWS)]


def is_filled(cells: Cells) -> bool:
    """Whether a cell holds more than blanks."""
    return any(cell.strip(" \t\xa0\ufeff\x1a") for cell in cells)


def _delimiter(
    text: str, answers: Mapping[str, str], declared: re.Match[str] | None
) -> tuple[str, tuple[Question, ...]]:
    if "delimiter" in answers:
        answer = _NAMES.get(answers["delimiter"].lower(), answers["delimiter"])
        if answer not in DELIMITERS:
            raise Invalid("The separator is a comma, semicolon, tab or pipe.", code="delimiter")
        return answer, ()
    if declared and declared[1] in DELIMITERS:
        return declared[1], ()
    return _guess_delimiter(text)


def _guess_delimiter(text: str) -> tuple[str, tuple[Question, ...]]:
    candidates = [_Candidate(mark, _table(text, mark, '"')) for mark in DELIMITERS]
    best = max(candidates, key=lambda candidate: candidate.score)
    if _mixed_share(best) > MIXED_SHARE_MAX:
        raise FileReject("delimiter_unclear")
    rivals = [candidate for candidate in candidates if candidate.is_consistent]
    if len(rivals) < 2:
        return best.delimiter, ()
    preview = {
        candidate.delimiter: tuple(" | ".join(cells) for cells in candidate.filled[:PREVIEW_ROWS])
        for candidate in rivals
    }
    return best.delimiter, (
        Question("delimiter", "delimiter", tuple(preview), best.delimiter, preview),
    )


def _mixed_share(best: _Candidate) -> float:
    """The share of rows that have the right number of columns only with several separators."""
    filled = best.filled
    marks = [sum(_count(best, cells, mark) for mark in DELIMITERS) + 1 for cells in filled]
    width = best.width if best.width > 1 else marks[0]
    mixed = sum(len(cells) != width == count for cells, count in zip(filled, marks, strict=True))
    return mixed / len(filled)


def _count(best: _Candidate, cells: Cells, mark: str) -> int:
    if mark == best.delimiter:
        return len(cells) - 1
    return sum(cell.count(mark) for cell in cells)


def _quote(text: str, delimiter: str) -> str:
    """The apostrophe where most cells stand in apostrophes, else the quotation mark."""
    cells = [cell for cells in _table(text, delimiter, '"')[:50] for cell in cells if cell]
    quoted = sum(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in cells)
    return "'" if cells and quoted > len(cells) / 2 else '"'


def _header_row(
    table: Sequence[Cells], above: int, answers: Mapping[str, str]
) -> tuple[int, tuple[Question, ...]]:
    """How many records stand above the data, the header with them."""
    if "header_row" in answers:
        answer = answers["header_row"]
        if not answer.isdecimal() or int(answer) > min(len(table), TITLE_ROWS_MAX * 2):
            raise Invalid("The header is one of the first rows, or 0 for none.", code="header_row")
        return max(int(answer), above), ()
    filled = [
        number for number, cells in enumerate(table, 1) if is_filled(cells) and number > above
    ]
    first = filled[0]
    width = Counter(len(table[number - 1]) for number in filled).most_common(1)[0][0]
    guess = next((n for n in filled[:TITLE_ROWS_MAX] if _is_header(table[n - 1], width)), first)
    if looks_like_data(table[guess - 1]):
        guess = above
    elif _is_half_header(table, guess):
        guess += 1
    if guess == first:
        return guess, ()
    options = tuple(str(number) for number in (above, *filled[:TITLE_ROWS_MAX]))
    return guess, (Question("header_row", "header_row", options, str(guess)),)


def _is_header(cells: Cells, width: int) -> bool:
    """Whether it is more than a title: a table of up to two columns has no title."""
    return width < 3 or (len(cells) == width and sum(map(bool, map(str.strip, cells))) > 1)


def _is_half_header(table: Sequence[Cells], number: int) -> bool:
    """Whether the record has gaps that the next one, which is no data, fills with names."""
    names, following = table[number - 1], table[number] if number < len(table) else []
    return (
        not all(map(str.strip, names))
        and len(following) == len(names)
        and all(cell.strip() and not any(map(str.isdigit, cell)) for cell in following)
        and not looks_like_data(following)
    )


def looks_like_data(cells: Cells) -> bool:
    """Whether a cell is an e-mail address or a phone number, which no header is."""
    return any(len(cell) <= HEADER_CELL_MAX and _DATA.fullmatch(cell.strip()) for cell in cells)


def _header(
    table: Sequence[Cells], header_row: int, above: int, *, columns_max: int
) -> tuple[str, ...]:
    data = [cells for cells in table[header_row:] if is_filled(cells)]
    if header_row <= above:
        count = max(map(len, data), default=0)
        header = [f"column {number}" for number in range(1, count + 1)]
    else:
        header = _without_empty_end(table[header_row - 1], data)
    if len(header) > columns_max:
        raise FileReject("too_many_columns", found=len(header), limit=columns_max)
    if any(len(name) > HEADER_CELL_MAX for name in header):
        raise FileReject("delimiter_unclear")
    return tuple(map(shown_header, header))


def shown_header(name: str) -> str:
    """The name as it can be stored and compared."""
    return undefused(_UNSTORABLE.sub("\ufffd", name).strip(" \t\xa0\ufeff\u200b"))


def _without_empty_end(header: Cells, data: list[Cells]) -> Cells:
    """The header without nameless columns at its end that hold nothing."""
    width = len(header)
    while width > 1 and not header[width - 1].strip():
        if any(len(cells) >= width and cells[width - 1].strip() for cells in data):
            break
        width -= 1
    return header[:width]
