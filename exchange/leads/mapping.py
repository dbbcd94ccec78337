"""Which column of a file is which field of the schema, and how that is known.

Every column is accounted for: mapped with its reason, or listed as ignored. Nothing that could be
meant twice is decided silently.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from exchange.catalog.fields import FieldType, LeadFields
from exchange.catalog.values import FieldError, clean
from exchange.catalog.words import fold
from exchange.core.errors import Invalid
from exchange.leads.findings import FileReject, Question
from exchange.leads.forbidden import refuse_forbidden
from exchange.leads.shapes import SHAPE_OF, SHARE_MIN, Shape, find_shape, shape_share

EXAMPLES_MAX: Final = 3
SWAPPED_SHARE: Final = 0.5  # of filled cells that do not look like their field: ask

# Fields of which several columns may be the parts.
JOINABLE: Final = frozenset({FieldType.NAME, FieldType.TEXT})
# Headers of the parts of a name. "Name" itself is none: alone it is the whole name.
_GIVEN: Final = (
    *("first name", "firstname", "given name", "forename", "имя"),
    *("nombre", "nombre de pila", "nama pertama", "nama depan"),
)
_FAMILY: Final = (
    *("last name", "lastname", "surname", "family name", "фамилия"),
    *("apellido", "apellidos", "primer apellido", "nama keluarga", "nama akhir", "nama bapa"),
)
_FURTHER: Final = (
    *("middle name", "second name", "отчество", "segundo nombre", "segundo apellido"),
    "nama tengah",
)

Rows = Sequence[Sequence[str]]


class Reason(StrEnum):
    """How the field of a column is known, strongest first."""

    CHOSEN = "chosen"  # by the seller, for this file
    REMEMBERED = "remembered"  # from an earlier file with this header
    NAME = "name"  # its header is the field's own name
    SYNONYM = "synonym"  # its header is another word for the field
    PART = "part"  # its header is a part of a name: given name, family name
    VALUES = "values"  # its cells look like the field
    UNKNOWN = "unknown"
    TAKEN = "taken"  # another column is a better match for the same field


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file; the examples are personal data, for the page alone."""

    index: int  # from 0
    header: str
    field: str | None
    reason: Reason
    examples: tuple[str, ...] = dataclasses.field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """All columns of a file, what must be asked, and the required fields that have none."""

    columns: tuple[Column, ...]
    questions: tuple[Question, ...] = ()
    missing: tuple[str, ...] = ()
    defaults: Mapping[str, str] = dataclasses.field(default_factory=dict)  # for empty cells

    @property
    def index_by_field(self) -> dict[str, int]:
        """Where each field stands; joined and missing columns stand behind those of the file."""
        found = {column.field: column.index for column in self.columns if column.field}
        width = len(self.columns)
        return found | {name: width + i for i, (name, _) in enumerate(self.virtual)}

    @property
    def virtual(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Fields that no single column holds: those joined of several, and those of a default."""
        held: dict[str, list[int]] = defaultdict(list)
        for column in self.columns:
            if column.field:
                held[column.field].append(column.index)
        joined = [(name, tuple(found)) for name, found in held.items() if len(found) > 1]
        return (*joined, *((name, ()) for name in sorted(self.defaults) if name not in held))

    @property
    def ignored(self) -> tuple[str, ...]:
        """Headers of the columns that are not read: named to the seller, never stored."""
        return tuple(column.header for column in self.columns if column.field is None)

    def with_reasons_of(self, guessed: ColumnMapping) -> ColumnMapping:
        """The same mapping; a choice that only confirms a guess keeps the guess's reason."""
        columns = tuple(
            free if (free.field, mine.reason) == (mine.field, Reason.CHOSEN) else mine
            for mine, free in zip(self.columns, guessed.columns, strict=True)
        )
        return dataclasses.replace(self, columns=columns)

    def remembered(self) -> dict[str, str | None]:
        """What to pass as `remembered` for the next file of this shape."""
        return {header_key(column.header): column.field for column in self.columns}

    def settings(self) -> dict[str, Any]:  # Any: JSON
        """The mapping as JSON without a word of the data."""
        return {
            "columns": [
                {"header": column.header, "field": column.field, "reason": str(column.reason)}
                for column in self.columns
            ],
            "missing": list(self.missing),
            "defaults": dict(self.defaults),
        }

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> ColumnMapping:  # Any: JSON
        """The mapping that `settings()` described."""
        columns = tuple(
            Column(index, item["header"], item["field"], Reason(item["reason"]))
            for index, item in enumerate(settings["columns"])
        )
        defaults = settings.get("defaults", {})
        return cls(columns, missing=tuple(settings["missing"]), defaults=defaults)


def header_set(header: Sequence[str]) -> str:
    """A short name of the columns that a file has, whatever their order."""
    keys = "\n".join(sorted(map(header_key, header)))
    return sha256(keys.encode()).hexdigest()[:32]


def header_key(header: str) -> str:
    """The form in which headers are compared: no case, accents, punctuation or invisible signs."""
    try:
        return fold(clean(header))
    except FieldError:
        return fold(header)


def guess_mapping(
    header: Sequence[str],
    sample: Rows,
    *,
    fields: LeadFields,
    remembered: Mapping[str, str | None] | None = None,
    chosen: Mapping[int, str | None] | None = None,
    defaults: Mapping[str, str] | None = None,
    given: Collection[str] = (),
) -> ColumnMapping:
    """The likeliest field of each column, with reasons and questions.

    `remembered` maps header keys and `chosen` column indices to fields (None: do not import);
    several columns chosen for a name or a text are joined. `defaults` are the values of fields
    whose cell is empty. Raises FileReject(forbidden_data), and Invalid for a choice that the
    schema does not know or that puts several columns on a field that cannot be joined.
    """
    refuse_forbidden(header, sample, fields=fields)
    for index, name in (chosen or {}).items():
        if index not in range(len(header)) or (name and name not in fields.by_name):
            raise Invalid("A column or field was chosen that does not exist.", code="mapping")
    known = {
        key: name for key, name in (remembered or {}).items() if not name or name in fields.by_name
    }
    guesses = _Guesses(
        header=header, sample=sample, fields=fields, remembered=known, chosen=chosen or {}
    )
    guesses.settle()
    taken = {*guesses.field_of.values(), *(defaults or {}), *given}
    missing = tuple(spec.name for spec in fields.required if spec.name not in taken)
    columns = tuple(guesses.column(index) for index in range(len(header)))
    return ColumnMapping(columns, tuple(guesses.questions), missing, dict(defaults or {}))


def require_complete(mapping: ColumnMapping) -> None:
    """Raise FileReject(missing_column), once and for all rows, when required fields have none."""
    if mapping.missing:
        raise FileReject("missing_column", fields=", ".join(mapping.missing))


def find_column(header: Sequence[str], name: str) -> int | None:
    """The index of the one column with this header, as a command line names it."""
    key = header_key(name)
    found = [index for index, text in enumerate(header) if header_key(text) == key]
    return found[0] if len(found) == 1 else None


_PARTS: Final = {
    **{header_key(word): "given" for word in _GIVEN},
    **{header_key(word): "family" for word in _FAMILY},
    **{header_key(word): "further" for word in _FURTHER},
}
_MEANT: Final = frozenset({Reason.CHOSEN, Reason.REMEMBERED})  # by the seller: joined, not asked


@dataclass(kw_only=True)
class _Guesses:
    """Claims of columns to fields, settled from the strongest reason to the weakest."""

    header: Sequence[str]
    sample: Rows
    fields: LeadFields
    remembered: Mapping[str, str | None]
    chosen: Mapping[int, str | None]
    field_of: dict[int, str] = dataclasses.field(default_factory=dict)
    reason_of: dict[int, Reason] = dataclasses.field(default_factory=dict)
    questions: list[Question] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = [header_key(text) for text in self.header]

    def settle(self) -> None:
        self._claim(Reason.CHOSEN, self.chosen.items())
        self._claim(
            Reason.REMEMBERED,
            ((i, self.remembered[key]) for i, key in self._open() if key in self.remembered),
        )
        names = {fold(spec.name): spec.name for spec in self.fields.specs}
        words = {word: spec.name for word, spec in self.fields.field_by_header.items()}
        self._claim_parts()
        self._claim(Reason.NAME, ((i, names[key]) for i, key in self._open() if key in names))
        self._claim(Reason.SYNONYM, ((i, words[key]) for i, key in self._open() if key in words))
        self._claim(Reason.VALUES, self._by_values())
        self._ask_swapped()

    def column(self, index: int) -> Column:
        reason = self.reason_of.get(index, Reason.UNKNOWN)
        cells = dict.fromkeys(self._cells(index))
        examples = tuple(list(cells)[:EXAMPLES_MAX])
        return Column(index, self.header[index], self.field_of.get(index), reason, examples)

    def _claim_parts(self) -> None:
        """Given and family name in columns of their own are one name, in the file's order."""
        name = next((s.name for s in self.fields.specs if s.type is FieldType.NAME), None)
        if name is None or name in self.field_of.values():
            return
        parts = [i for i, key in self._open() if key in _PARTS]
        if {_PARTS[self._keys[i]] for i in parts} >= {"given", "family"}:
            for index in parts:
                self.field_of[index], self.reason_of[index] = name, Reason.PART

    def _open(self) -> list[tuple[int, str]]:
        """Columns about which nothing is known so far."""
        return [(i, key) for i, key in enumerate(self._keys) if i not in self.reason_of]

    def _claim(self, reason: Reason, claims: Iterable[tuple[int, str | None]]) -> None:
        """Give each field to its only claimant; several are asked about, the first is the guess."""
        taken = set(self.field_of.values())
        claimants: dict[str, list[int]] = defaultdict(list)
        for index, name in claims:
            self.reason_of[index] = Reason.TAKEN if name in taken else reason
            if name in self.fields.by_name and name not in taken:
                claimants[name].append(index)
        for name, columns in claimants.items():
            if reason in _MEANT and self.fields.by_name[name].type in JOINABLE:
                self.field_of |= dict.fromkeys(columns, name)
                continue
            self.field_of[columns[0]] = name
            for index in columns[1:]:
                self.reason_of[index] = Reason.TAKEN
            if len(columns) > 1:
                self._ask_which(reason, name, columns)

    def _ask_which(self, reason: Reason, name: str, columns: Sequence[int]) -> None:
        if reason is Reason.CHOSEN:
            headers = ", ".join(self.header[index] for index in columns)
            raise Invalid(f"Only one column can be {name}; chosen were: {headers}.", code="mapping")
        is_repeated = len({self._keys[index] for index in columns}) < len(columns)
        code = "duplicate_header" if is_repeated else "several_columns"
        self.questions.append(self._question(code, name, columns))

    def _by_values(self) -> list[tuple[int, str]]:
        """Open columns whose cells look like an open field, by the first field of that shape."""
        taken = set(self.field_of.values())
        wanted: dict[Shape, str] = {}
        for spec in self.fields.specs:
            if spec.type in SHAPE_OF and spec.name not in taken:
                wanted.setdefault(SHAPE_OF[spec.type], spec.name)
        shapes = [(index, find_shape(self._cells(index))) for index, _ in self._open()]
        return [(index, wanted[shape]) for index, shape in shapes if shape in wanted]

    def _ask_swapped(self) -> None:
        """Ask where most cells of a phone or e-mail column are nothing of the kind."""
        for index, name in list(self.field_of.items()):
            shape = SHAPE_OF.get(self.fields.by_name[name].type)
            if shape not in {Shape.PHONE, Shape.EMAIL} or self.reason_of[index] is Reason.CHOSEN:
                continue
            share = self._share(index, shape)
            better = [i for i in range(len(self.header)) if self._share(i, shape) >= SHARE_MIN]
            if self._cells(index) and share < 1 - SWAPPED_SHARE and better:
                self.questions.append(self._question("columns_swapped", name, [*better, index]))

    def _share(self, index: int, shape: Shape) -> float:
        return shape_share(self._cells(index), shape)

    def _question(self, code: str, name: str, columns: Sequence[int]) -> Question:
        options = tuple(str(index + 1) for index in columns)  # people count columns from 1
        preview = {str(index + 1): self.column(index).examples for index in columns}
        return Question(code, name, options, options[0], preview)

    def _cells(self, index: int) -> list[str]:
        cells = (row[index].strip() for row in self.sample if index < len(row))
        return [cell for cell in cells if cell]
