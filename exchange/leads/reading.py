"""From a file to rows, streaming: what the file is, then each of its records once.

Each record that is not blank ends as one row, sound or with one problem; none is dropped or run
together with another. Numbers are those of the records below the header, blank ones counted.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, BinaryIO, Final, NamedTuple, Self, TextIO

from exchange.leads import encodings, objects, packed, sheets, signatures
from exchange.leads.findings import FileReject, Note, Question
from exchange.leads.layout import Layout, find_layout
from exchange.leads.objects import Objects, lines_of
from exchange.leads.problems import undefused
from exchange.leads.records import Record, Records

HEAD_BYTES: Final = 1 << 18  # from which the layout is told
PREVIEW_ROWS: Final = 10
_CELL_SHOWN: Final = 200  # characters that are kept of a cell that is too long

# What a blank record consists of; 0x1A is the end-of-file mark of DOS.
_BLANK: Final = ' \t\r\n\v\f\x1a\xa0\ufeff\u200b"'


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may hold; printed before a file is chosen."""

    size: int = 200_000_000  # bytes, as they are sent
    rows: int = 1_000_000
    cells: int = 2_500_000  # of a workbook
    columns: int = 200
    cell: int = 8_192  # characters
    row: int = 65_536  # characters


LIMITS: Final = Limits()


class Format(StrEnum):
    """How rows are written, whether or not they are packed."""

    DELIMITED = "delimited"
    OBJECTS = "objects"  # NDJSON
    WORKBOOK = "workbook"  # XLSX


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file is and how to read it. `settings()` is what may be stored.

    `sample` holds data rows and the questions hold previews: personal data, for the page alone.
    """

    encoding: str
    delimiter: str
    quote: str
    header_row: int  # which record is the header, from 1; 0: the file has none
    header: tuple[str, ...]
    form: str = Format.DELIMITED
    sheet: str = ""  # of a workbook
    hidden: str = ""  # what becomes of its hidden rows and columns
    questions: tuple[Question, ...] = ()
    notes: tuple[Note, ...] = ()
    sample: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    @property
    def preview(self) -> tuple[tuple[str, ...], ...]:
        return self.sample[:PREVIEW_ROWS]

    def settings(self) -> dict[str, Any]:  # Any: JSON
        """All that `rows` needs, as JSON without a word of the data."""
        known = {name: getattr(self, name) for name in _SETTINGS}
        return {**known, "form": str(self.form), "header": list(self.header)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:  # Any: JSON
        """The recognition that `settings()` described, whatever else stands beside it."""
        known = {name: settings[name] for name in _SETTINGS if name in settings}
        return cls(**{**known, "header": tuple(settings["header"])})


_SETTINGS: Final = ("encoding", "delimiter", "quote", "header_row", "form", "sheet", "hidden")


class Row(NamedTuple):
    """One record below the header: its number, the physical line where it begins, its cells.

    With a `problem` the cells are for the problem file only.
    """

    number: int
    line: int
    cells: list[str]
    problem: str | None = None


@dataclass(slots=True)
class Tally:
    """What `rows` has seen so far; each record is a row or blank."""

    rows: int = 0
    blank: int = 0


def examine(
    file: BinaryIO, *, answers: Mapping[str, str] | None = None, limits: Limits = LIMITS
) -> Recognition:
    """Recognise a seekable file; its bytes are all looked at, so that no late one surprises.

    `answers` (encoding, delimiter, header_row, sheet, hidden) settle what was or would be asked.
    Raises FileReject, and Invalid for an answer that is no option; leaves the position anywhere.
    """
    size = file.seek(0, io.SEEK_END)
    if size == 0:
        raise FileReject("empty")
    if size > limits.size:
        raise FileReject("too_large", found=size, limit=limits.size)
    source = packed.opened(file)
    found = _examine(source, answers or {}, limits)
    if source is file:
        return found
    return replace(found, notes=(Note("packed", "gzip"), *found.notes))


def _examine(source: BinaryIO, answers: Mapping[str, str], limits: Limits) -> Recognition:
    source.seek(0)
    head = source.read(HEAD_BYTES)
    if not head:
        raise FileReject("empty")
    if signatures.is_gzip(head):
        raise FileReject("archive", kind="gzip in gzip")
    if signatures.is_workbook(head):
        return _workbook(source, answers, limits)
    signatures.refuse_other_kinds(head + _directory_of_ole(source, head))
    source.seek(len(head))
    later = encodings.look_through(source, head)
    found = _text(source, head, later.odd, answers=answers, limits=limits)
    if later.lines - found.header_row > limits.rows:
        _require_rows_within(source, found, limits)
    return found


def _require_rows_within(source: BinaryIO, found: Recognition, limits: Limits) -> None:
    """Raise FileReject(too_many_rows) before anything is stored: a line may not be a row."""
    for _ in rows(source, found, limits=limits):
        pass


def _workbook(source: BinaryIO, answers: Mapping[str, str], limits: Limits) -> Recognition:
    book = sheets.Workbook(source, cells_max=limits.cells, columns_max=limits.columns)
    choice = sheets.choose_table(book, answers=answers, columns_max=limits.columns)
    found = _recognition(choice.layout, Format.WORKBOOK, encoding="")
    return replace(found, sheet=choice.sheet, hidden=choice.hidden)


def _text(
    source: BinaryIO, head: bytes, odd: bytes, *, answers: Mapping[str, str], limits: Limits
) -> Recognition:
    is_whole = len(head) < HEAD_BYTES
    encoding, questions, notes = encodings.settle(head, odd, is_whole=is_whole, answers=answers)
    text = encodings.decode(head, encoding, is_whole=is_whole)
    form = Format.OBJECTS if objects.are_in(text) else Format.DELIMITED
    if form is Format.OBJECTS:
        with _opened_text(source, encoding) as stream:
            layout = objects.find_objects(stream, columns_max=limits.columns)
    else:
        signatures.refuse_json(text)
        layout = find_layout(text, is_whole=is_whole, answers=answers, columns_max=limits.columns)
    found = _recognition(layout, form, encoding=encoding)
    return replace(found, questions=(*questions, *layout.questions), notes=(*notes, *layout.notes))


def _recognition(layout: Layout, form: Format, *, encoding: str) -> Recognition:
    return Recognition(
        encoding=encoding,
        delimiter=layout.delimiter,
        quote=layout.quote,
        header_row=layout.header_row,
        header=layout.header,
        form=form,
        questions=layout.questions,
        notes=layout.notes,
        sample=_sample(layout),
    )


def _sample(layout: Layout) -> tuple[tuple[str, ...], ...]:
    """Rows with all their columns; others would show values under the wrong header."""
    width = len(layout.header)
    cut = (cells if any(cells[width:]) else cells[:width] for cells in layout.rows)
    return tuple(tuple(cells) for cells in cut if len(cells) == width)


def _directory_of_ole(source: BinaryIO, head: bytes) -> bytes:
    """Where an OLE container lists its streams; a protected workbook is known by it."""
    if not signatures.is_ole(head):
        return b""
    source.seek(signatures.ole_directory_at(head))
    return source.read(HEAD_BYTES)


def rows(
    file: BinaryIO,
    recognition: Recognition,
    *,
    tally: Tally | None = None,
    limits: Limits = LIMITS,
) -> Generator[Row, None, None]:
    """Each record below the header that is not blank, from the beginning of the file.

    Raises FileReject(no_rows) at the end of a file without rows, `too_many_rows` beyond the
    limit, `unclosed_quote` for a file whose quotes cannot be followed. The file stays open.
    """
    tally = tally if tally is not None else Tally()
    with _opened_records(packed.opened(file), recognition, limits) as records:
        yield from _rows(records, recognition, tally=tally, limits=limits)
    if tally.rows == 0:
        raise FileReject("no_rows", blank=tally.blank)


@contextmanager
def _opened_records(
    source: BinaryIO, recognition: Recognition, limits: Limits
) -> Iterator[Iterable[Record]]:
    if recognition.form == Format.WORKBOOK:
        book = sheets.Workbook(source, cells_max=limits.cells, columns_max=limits.columns)
        sheet = next(sheet for sheet in book.sheets if sheet.name == recognition.sheet)
        with closing(book.records(sheet, hidden=recognition.hidden)) as records:
            yield records
        return
    with _opened_text(source, recognition.encoding) as stream:
        if recognition.form == Format.OBJECTS:
            yield Objects(lines_of(stream), header=recognition.header)
            return
        yield Records(
            stream,
            delimiter=recognition.delimiter,
            quote=recognition.quote,
            width=len(recognition.header),
        )


@contextmanager
def _opened_text(file: BinaryIO, encoding: str) -> Iterator[TextIO]:
    """The file as text with line ends of one kind; what cannot be read is marked, not fatal."""
    file.seek(0)
    errors = encodings.errors_for(encoding)
    stream = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=None)
    try:
        yield stream
    finally:
        if not file.closed:
            stream.detach()  # else the stream would close the file with itself


def _rows(
    records: Iterable[Record], recognition: Recognition, *, tally: Tally, limits: Limits
) -> Iterator[Row]:
    width = len(recognition.header)
    blank = _BLANK + recognition.delimiter + recognition.quote
    for number, record in enumerate(records, start=1 - recognition.header_row):
        if number <= 0:
            continue
        text = "".join(record.cells)
        if not record.problem and not text.strip(blank):
            tally.blank += 1
            continue
        tally.rows += 1
        if tally.rows > limits.rows:
            raise FileReject("too_many_rows", limit=limits.rows)
        yield _row(number, record, text, width=width, limits=limits)


def _row(number: int, record: Record, text: str, *, width: int, limits: Limits) -> Row:
    """The row of a record; `text` are its cells run together."""
    cells = record.cells
    if problem := _record_problem(record, limits):
        return Row(number, record.line, _shown(cells[: limits.columns], limits), problem)
    if len(cells) > width and not any(map(str.strip, cells[width:])):
        del cells[width:]  # separators behind the last column
    if "'" in text:
        cells = [undefused(cell) for cell in cells]
    problem = _problem(text, is_whole=len(cells) == width)
    if problem:  # the rest of it may be unreadable too
        cells = [encodings.UNREADABLE.sub("\ufffd", cell) for cell in cells]
    return Row(number, record.line, cells, problem)


def _shown(cells: list[str], limits: Limits) -> list[str]:
    """What is kept to be corrected: only what is too long is cut, as far as there is room."""
    fitting = sum(size for size in map(len, cells) if size <= limits.cell)
    longest = limits.cell if fitting <= limits.row else _CELL_SHOWN
    kept = (cell if len(cell) <= longest else cell[:_CELL_SHOWN] for cell in cells)
    return [encodings.UNREADABLE.sub("\ufffd", cell) for cell in kept]


def _record_problem(record: Record, limits: Limits) -> str | None:
    if record.size > limits.cell and any(len(cell) > limits.cell for cell in record.cells):
        return "cell_too_long"
    return record.problem or ("row_too_long" if record.size > limits.row else None)


def _problem(text: str, *, is_whole: bool) -> str | None:
    if "\0" in text:
        return "control_char"
    if not text.isascii() and encodings.UNREADABLE.search(text):
        return "encoding"
    return None if is_whole else "columns"
