"""From a file to rows, streaming: what the file is, then each of its records once.

Each record that is not blank ends as one row, sound or with one problem; none is dropped or run
together with another. Numbers are those of the records below the header, blank ones counted.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, NamedTuple, Self, TextIO

from exchange.core.errors import Invalid
from exchange.leads import encodings, signatures
from exchange.leads.findings import FileReject, Note, Question
from exchange.leads.layout import Layout, find_layout
from exchange.leads.problems import undefused
from exchange.leads.records import Record, Records

HEAD_BYTES: Final = 1 << 18  # what `recognise` looks at
PREVIEW_ROWS: Final = 10
PREVIEW_LINES: Final = 5  # of a question about the encoding
_CHUNK: Final = 1 << 20
_CELL_SHOWN: Final = 200  # characters that are kept of a cell that is too long

# What a blank record consists of; 0x1A is the end-of-file mark of DOS.
_BLANK: Final = ' \t\r\n\v\f\x1a\xa0\ufeff\u200b"'


@dataclass(frozen=True, slots=True)
class Limits:
    """What a text file may hold; printed before a file is chosen."""

    size: int = 200_000_000  # bytes
    rows: int = 1_000_000
    columns: int = 200
    cell: int = 8_192  # characters
    row: int = 65_536  # characters


LIMITS: Final = Limits()


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
    questions: tuple[Question, ...] = ()
    notes: tuple[Note, ...] = ()
    sample: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    @property
    def preview(self) -> tuple[tuple[str, ...], ...]:
        return self.sample[:PREVIEW_ROWS]

    def settings(self) -> dict[str, Any]:  # Any: JSON
        """All that `rows` needs, as JSON without a word of the data."""
        names = ("encoding", "delimiter", "quote", "header_row")
        return {name: getattr(self, name) for name in names} | {"header": list(self.header)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:  # Any: JSON
        """The recognition that `settings()` described."""
        return cls(**{**settings, "header": tuple(settings["header"])})


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

    Raises FileReject; leaves the position at the beginning.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    is_known = size <= HEAD_BYTES or "encoding" in (answers or {})
    odd = b"" if is_known else _later_bytes(file)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return recognise(head, size, answers=answers, odd=odd, limits=limits)


def recognise(
    head: bytes,
    size: int,
    *,
    answers: Mapping[str, str] | None = None,
    odd: bytes = b"",
    limits: Limits = LIMITS,
) -> Recognition:
    """What a file is, from its first bytes and its size in bytes.

    `answers` (encoding, delimiter, header_row) settle what was or would be asked; `odd` are later
    bytes that are no UTF-8. Raises FileReject, and Invalid for an answer that is no option.
    """
    if size == 0:
        raise FileReject("empty")
    if size > limits.size:
        raise FileReject("too_large", found=size, limit=limits.size)
    signatures.refuse_other_kinds(head)
    answers = answers or {}
    is_whole = len(head) >= size
    encoding, questions, notes = _encoding(head, odd, is_whole=is_whole, answers=answers)
    text = encodings.decode(head, encoding, is_whole=is_whole)
    layout = find_layout(text, is_whole=is_whole, answers=answers, columns_max=limits.columns)
    return Recognition(
        encoding=encoding,
        delimiter=layout.delimiter,
        quote=layout.quote,
        header_row=layout.header_row,
        header=layout.header,
        questions=(*questions, *layout.questions),
        notes=(*notes, *layout.notes),
        sample=_sample(layout),
    )


def _sample(layout: Layout) -> tuple[tuple[str, ...], ...]:
    """Rows with all their columns; others would show values under the wrong header."""
    width = len(layout.header)
    return tuple(tuple(cells) for cells in layout.rows if len(cells) == width)


def _later_bytes(file: BinaryIO) -> bytes:
    """Lines around the first bytes of the file that are no UTF-8."""
    decoder = codecs.getincrementaldecoder(encodings.UTF_8)()
    while chunk := file.read(_CHUNK):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            # Counted from the bytes that the decoder held back: at most three off.
            start = max(error.start - HEAD_BYTES // 2, 0)
            return chunk[start : start + HEAD_BYTES].partition(b"\n")[2]
    return b""


def _encoding(
    head: bytes, odd: bytes, *, is_whole: bool, answers: Mapping[str, str]
) -> tuple[str, list[Question], list[Note]]:
    """The encoding, with what must be asked and what is stated about it."""
    if "encoding" in answers:
        return _answer(answers, "encoding", encodings.ENCODINGS), [], []
    if marked := encodings.from_mark(head):
        if marked == "utf-8-sig":
            signatures.refuse_other_text(head)
            return marked, [], [Note("bom")]
        return marked, [], [Note("encoding", marked)]
    if bare := encodings.utf_16_without_mark(head):
        return bare, [], [Note("encoding", bare)]
    signatures.refuse_other_text(head)
    if encodings.is_utf_8(head, is_whole=is_whole) and encodings.is_utf_8(odd, is_whole=False):
        return encodings.UTF_8, [], []
    guess = encodings.guess_code_page(head + b"\n" + odd)
    preview = {page: _readings(head + b"\n" + odd, page) for page in encodings.CODE_PAGES}
    question = Question("encoding", "encoding", encodings.CODE_PAGES, guess, preview)
    return guess, [question], [Note("encoding", guess)]


def _readings(data: bytes, page: str) -> tuple[str, ...]:
    """The first lines that tell the encodings apart, read in one of them."""
    lines = [line for line in data.splitlines() if not line.isascii()]
    return tuple(line[:200].decode(page, "replace") for line in lines[:PREVIEW_LINES])


def _answer(answers: Mapping[str, str], name: str, options: tuple[str, ...]) -> str:
    answer = answers[name].lower()
    if answer not in options:
        raise Invalid(f"{name} is one of: {', '.join(options)}.", code="value_not_allowed")
    return answer


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
    file.seek(0)
    stream = open_text(file, recognition.encoding)
    try:
        yield from _rows(stream, recognition, tally=tally, limits=limits)
    finally:
        if not file.closed:
            stream.detach()  # else the stream would close the file with itself
    if tally.rows == 0:
        raise FileReject("no_rows", blank=tally.blank)


def open_text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """The file as text with line ends of one kind; what cannot be read is marked, not fatal."""
    errors = encodings.errors_for(encoding)
    return io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=None)


def _rows(
    stream: TextIO, recognition: Recognition, *, tally: Tally, limits: Limits
) -> Iterator[Row]:
    width = len(recognition.header)
    blank = _BLANK + recognition.delimiter + recognition.quote
    records = Records(stream, delimiter=recognition.delimiter, quote=recognition.quote, width=width)
    for number, record in enumerate(records, start=1 - recognition.header_row):
        if number <= 0:
            continue
        text = "".join(record.cells)
        if not text.strip(blank):
            tally.blank += 1
            continue
        tally.rows += 1
        if tally.rows > limits.rows:
            raise FileReject("too_many_rows", limit=limits.rows)
        yield _row(number, record, text, width=width, limits=limits)


def _row(number: int, record: Record, text: str, *, width: int, limits: Limits) -> Row:
    """The row of a record; `text` are its cells run together."""
    cells = record.cells
    if problem := _size_problem(record, limits):
        shown = [cell[:_CELL_SHOWN] for cell in cells[: limits.columns]]
        return Row(number, record.line, shown, problem)
    if len(cells) > width and not any(map(str.strip, cells[width:])):
        del cells[width:]  # separators behind the last column
    if "'" in text:
        cells = [undefused(cell) for cell in cells]
    problem = _problem(text, is_whole=len(cells) == width)
    if problem == "encoding":
        cells = [encodings.UNREADABLE.sub("\ufffd", cell) for cell in cells]
    return Row(number, record.line, cells, problem)


def _size_problem(record: Record, limits: Limits) -> str | None:
    if record.size > limits.cell and any(len(cell) > limits.cell for cell in record.cells):
        return "cell_too_long"
    if record.is_unclosed:
        return "unclosed_quote"
    return "row_too_long" if record.size > limits.row else None


def _problem(text: str, *, is_whole: bool) -> str | None:
    if "\0" in text:
        return "control_char"
    if not text.isascii() and encodings.UNREADABLE.search(text):
        return "encoding"
    return None if is_whole else "columns"
