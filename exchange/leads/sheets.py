"""XLSX: which sheet of a workbook holds the table, and its rows as text.

Every part is unpacked, counted and walked through before the parser of sheets sees the file.
Macros, links to other files and document types refuse it; nothing in it is ever run or followed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final

from python_calamine import CalamineError, CalamineWorkbook

from exchange.core.errors import Invalid
from exchange.leads import packed
from exchange.leads.findings import N_, FileReject, Note, Question
from exchange.leads.layout import PREVIEW_ROWS, SAMPLE_ROWS, Layout, find_header, is_filled
from exchange.leads.records import Record
from exchange.leads.scanning import ERROR, HIDDEN, NO_VALUE, Attributes, Grid, SheetScan, parse

SKIP: Final = "skip"  # what is hidden
READ: Final = "read"
HIDDEN_OPTIONS: Final = (SKIP, READ)
NAME_MAX: Final = 255  # characters of a sheet's name; Excel allows 31

_BOOK: Final = "xl/workbook.xml"
_ROOT: Final = "_rels/.rels"
_TYPES: Final = "[Content_Types].xml"
_XML: Final = (".xml", ".rels")
_WHOLE_MAX: Final = 1e15  # above it a number has lost digits already

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that holds something."""

    name: str
    is_hidden: bool
    grid: Grid


@dataclass(frozen=True, slots=True)
class Choice:
    """The table of a workbook: its layout, its sheet, and what becomes of what is hidden."""

    layout: Layout
    sheet: str
    hidden: str


class Workbook:
    """A workbook whose parts are all within the limits. Raises FileReject where they are not."""

    def __init__(self, file: BinaryIO, *, cells_max: int, columns_max: int) -> None:
        self._file = file
        self._cells_max = cells_max
        self._columns_max = columns_max
        self._members = packed.members(file)
        _refuse_other_documents(self._members)
        paths = self._sheet_paths()
        grids = self._walk(set(paths.values()))
        self.is_first_empty = bool(paths) and not grids[next(iter(paths.values()))].height
        self.sheets = tuple(
            Sheet(name, self._is_hidden[name], grids[path])
            for name, path in paths.items()
            if grids[path].height
        )

    def records(self, sheet: Sheet, *, hidden: str = READ) -> Generator[Record, None, None]:
        """The rows of a sheet from its first, empty ones and those that are skipped as empty."""
        columns = sheet.grid.hidden_columns if hidden == SKIP else frozenset()
        for index, row in enumerate(self._rows(sheet)):
            mark = sheet.grid.mark(index)
            skipped = hidden == SKIP and mark & HIDDEN
            yield _record(index, () if skipped else row, mark=mark, without=columns)

    def _rows(self, sheet: Sheet) -> Iterator[Sequence[Cell]]:
        """The rows of the parser, and those at the end in which it sees no value."""
        self._file.seek(0)
        count = 0
        try:
            with CalamineWorkbook.from_filelike(self._file) as book:
                for row in book.get_sheet_by_name(sheet.name).iter_rows():
                    count += 1
                    yield row
        except CalamineError:
            raise FileReject("damaged") from None
        for _ in range(count, sheet.grid.height):
            yield ("",) * sheet.grid.width

    def _walk(self, sheet_paths: Collection[str]) -> dict[str, Grid]:
        """Unpack each part once; the grids of the sheets by their paths."""
        grids = {}
        for name, member in self._members.items():
            pieces = packed.unpacked(self._file, member)
            if name in sheet_paths:
                scan = SheetScan(cells_max=self._cells_max, columns_max=self._columns_max)
                parse(pieces, scan.element)
                grids[name] = scan.finish()
            elif name.lower().endswith(_XML):
                parse(pieces, _refuse_macros if name == _TYPES else None)
            else:
                for _ in pieces:
                    pass
        return grids

    def _sheet_paths(self) -> dict[str, str]:
        """The parts of the sheets by the sheets' names, in the order of the workbook."""
        book = next(iter(self._targets(_ROOT, "/officeDocument").values()), _BOOK)
        if book not in self._members:
            raise FileReject("type", kind=N_("a document of another program"))
        sheets: list[Attributes] = []

        def note_sheet(name: str, attributes: Attributes) -> None:
            if name.rpartition(":")[2] == "sheet":
                sheets.append(attributes)

        parse(packed.unpacked(self._file, self._members[book]), note_sheet)
        found = {sheet.get("name", ""): sheet for sheet in sheets}
        if len(found) < len(sheets) or any(len(name) > NAME_MAX for name in found):
            raise FileReject("damaged")
        self._is_hidden = {name: "idden" in s.get("state", "") for name, s in found.items()}
        folder, _, last = book.rpartition("/")
        targets = self._targets(f"{folder}/_rels/{last}.rels", "/worksheet", folder=folder)
        known = {name.lower(): name for name in self._members}
        paths = {name: known.get(targets.get(_id(s), "").lower()) for name, s in found.items()}
        return {name: path for name, path in paths.items() if path}

    def _targets(self, part: str, kind: str, *, folder: str = "") -> dict[str, str]:
        """The parts that a part of relations names, those of one kind, by their ids."""
        targets: dict[str, str] = {}

        def note(_name: str, attributes: Attributes) -> None:
            if attributes.get("Type", "").endswith(kind):
                path = _path(attributes.get("Target", ""), folder)
                targets[attributes.get("Id", "")] = path

        if part in self._members:
            parse(packed.unpacked(self._file, self._members[part]), note)
        return targets


def choose_table(book: Workbook, *, answers: Mapping[str, str], columns_max: int) -> Choice:
    """Which sheet is the table and where its header is; several that could be are asked about.

    Raises FileReject(no_rows) and what `find_header` raises; Invalid for an answer that is no
    option.
    """
    sheets = [sheet for sheet in book.sheets if not sheet.is_hidden] or list(book.sheets)
    if not sheets:
        raise FileReject("no_rows", blank=0)
    hidden = _answer(answers, "hidden", HIDDEN_OPTIONS) if "hidden" in answers else SKIP
    names = tuple(sheet.name for sheet in (*sheets, *_others(book.sheets, sheets)))
    chosen = sheets[0]
    questions = []
    if "sheet" in answers:
        name = _answer(answers, "sheet", names)
        chosen = next(sheet for sheet in book.sheets if sheet.name == name)
    elif len(sheets) > 1 or book.is_first_empty:
        preview = {sheet.name: _preview(book, sheet) for sheet in book.sheets}
        questions.append(Question("sheet", "sheet", names, chosen.name, preview))
    if (chosen.grid.hidden_rows or chosen.grid.hidden_columns) and "hidden" not in answers:
        questions.append(Question("hidden", "hidden", HIDDEN_OPTIONS, SKIP))
    records = list(islice(book.records(chosen, hidden=hidden), SAMPLE_ROWS))
    layout = find_header(
        [record.cells for record in records],
        above=0,
        # A row that cannot be read has no cells to show and is a row nevertheless.
        is_whole=len(records) < SAMPLE_ROWS and not any(record.problem for record in records),
        answers=answers,
        columns_max=columns_max,
    )
    found = Layout(
        layout.delimiter,
        layout.quote,
        layout.header_row,
        layout.header,
        layout.rows,
        (*questions, *layout.questions),
        _notes(book, chosen),
    )
    return Choice(found, chosen.name, hidden)


def _others(sheets: Sequence[Sheet], shown: Collection[Sheet]) -> list[Sheet]:
    return [sheet for sheet in sheets if sheet not in shown]


def _preview(book: Workbook, sheet: Sheet) -> tuple[str, ...]:
    filled = (record for record in book.records(sheet) if is_filled(record.cells))
    return tuple(" | ".join(record.cells)[:200] for record in islice(filled, PREVIEW_ROWS))


def _notes(book: Workbook, chosen: Sheet) -> tuple[Note, ...]:
    """What a reader of the sheet does not see, or sees otherwise than the sheet shows it."""
    counts = {
        "hidden_rows": chosen.grid.hidden_rows,
        "hidden_columns": len(chosen.grid.hidden_columns),
        "hidden_sheets": sum(sheet.is_hidden for sheet in book.sheets),
        "merged_cells": chosen.grid.merged,
    }
    shown = [Note("format", "XLSX"), Note("sheet", chosen.name)]
    return (*shown, *(Note(code, str(count)) for code, count in counts.items() if count))


def _answer(answers: Mapping[str, str], name: str, options: tuple[str, ...]) -> str:
    if answers[name] not in options:
        raise Invalid(f"{name} is one of: {', '.join(options)}.", code="value_not_allowed")
    return answers[name]


def _refuse_other_documents(names: Collection[str]) -> None:
    lower = {name.lower() for name in names}
    if any(name.endswith("vbaproject.bin") for name in lower):
        raise FileReject("macros")
    if any(name.startswith("xl/externallinks/") for name in lower):
        raise FileReject("external_links")
    if "xl/workbook.bin" in lower:
        raise FileReject("type", kind=N_("a binary Excel workbook"))


def _refuse_macros(_name: str, attributes: Attributes) -> None:
    """A workbook that may hold macros says so where the types of its parts stand."""
    if "macroenabled" in attributes.get("ContentType", "").lower():
        raise FileReject("macros")


def _path(target: str, folder: str) -> str:
    """The part that a relation names: from the root, or from its folder."""
    path = target.removeprefix("/")
    is_whole = target.startswith("/") or path.startswith(f"{folder}/")
    return path if is_whole else f"{folder}/{path}".removeprefix("/")


def _id(sheet: Attributes) -> str:
    """The relation of a sheet; its prefix differs between programs."""
    found = [value for name, value in sheet.items() if name.rpartition(":")[2] == "id"]
    return found[0] if found else ""


def _record(index: int, row: Sequence[Cell], *, mark: int, without: Collection[int]) -> Record:
    cells = [_text(cell) for column, cell in enumerate(row) if column not in without]
    problem = None
    if row and mark & (NO_VALUE | ERROR):
        problem = "formula_without_value" if mark & NO_VALUE else "error_value"
    return Record(index + 1, cells, sum(map(len, cells)), problem)


def _text(cell: Cell) -> str:
    """A value as it would stand in a text file: whole numbers without a point, times as ISO."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        is_whole = cell.is_integer() and abs(cell) < _WHOLE_MAX
        return str(int(cell)) if is_whole else f"{cell:.15g}"
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)
