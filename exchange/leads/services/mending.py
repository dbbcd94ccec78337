"""The mending of a draft: what its seller changed, as whoever reads the rows needs it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.sql import ColumnElement

from exchange.catalog.fields import CHOICES, FieldSpec, LeadFields, parse
from exchange.catalog.values import FieldError, ParseContext
from exchange.catalog.words import fold
from exchange.core.db import db
from exchange.core.errors import FieldProblem, Invalid
from exchange.leads.draft_models import ImportRow
from exchange.leads.locking import lock_cells, open_cells
from exchange.leads.mapping import ColumnMapping
from exchange.leads.mending import Mending, word_key
from exchange.leads.models import Import
from exchange.leads.services import files

ROWS_PER_FETCH = 5_000
NO_ROW: Final = 0  # rows are counted from 1
WORDS_MAX = 500  # of one field
WORDS_SHOWN: Final = 200  # unknown ones of one field
WORD_LENGTH_MAX: Final = 60
WORD_DIGITS_MAX: Final = 6  # more may be a phone number in the wrong column

Words = Mapping[str, Mapping[str, str]]  # by field: how files write a value, and the value


def files_mending(draft: Import, *, until: int | None = None) -> Mending:
    """All that was mended in a mapped file, or in its rows up to this number."""
    mapping = ColumnMapping.from_settings(draft.mapping)
    at = mapping.index_by_field
    words: Words = draft.mapping.get("words", {})
    return Mending(
        width=len(mapping.columns),
        edits=dict(_edits(draft, until)),
        dropped=frozenset(_dropped(draft.id, until)),
        virtual=tuple(columns for _, columns in mapping.virtual),
        words={at[name]: dict(known) for name, known in words.items() if name in at and known},
        defaults={at[name]: text for name, text in mapping.defaults.items()},
    )


def check_defaults(
    defaults: Mapping[str, str], *, fields: LeadFields, context: ParseContext
) -> dict[str, str]:
    """The values for empty cells that were given at all. Raises Invalid for unfit ones.

    A contact cannot be the same for all rows, and a value must be one of its field.
    """
    given = {name: text.strip() for name, text in defaults.items() if text.strip()}
    problems = []
    for name, text in given.items():
        spec = fields.by_name.get(name)
        if spec is None or spec.contact:
            detail = "This field cannot have one value for all rows."
            problems.append(FieldProblem(f"/default-{name}", "no_default", detail))
        elif not _is_readable(spec, text, context):
            detail = f"{text} is no value of {name}."
            problems.append(FieldProblem(f"/default-{name}", "value_not_allowed", detail))
    if problems:
        raise Invalid(errors=tuple(problems))
    return given


def check_words(words: Words, *, fields: LeadFields) -> dict[str, dict[str, str]]:
    """The words by field, each with a value of it or none. Raises Invalid for other values."""
    found: dict[str, dict[str, str]] = {}
    for name, known in words.items():
        spec = fields.by_name.get(name)
        values = spec.choice_by_value if spec and spec.type in CHOICES else {}
        wrong = [value for value in known.values() if value and value not in values]
        if wrong or len(known) > WORDS_MAX:
            detail = f"{', '.join(wrong) or name} is no value that a word can stand for."
            raise Invalid(errors=(FieldProblem("/words", "value_not_allowed", detail),))
        found[name] = {word_key(word): value for word, value in known.items()}
    return found


def together(known: Words, given: Words) -> dict[str, dict[str, str]]:
    """What is known with what is given beside it; a word without a value is forgotten."""
    merged = {name: {**known.get(name, {}), **given.get(name, {})} for name in {*known, *given}}
    return {name: {w: v for w, v in words.items() if v} for name, words in merged.items()}


def unknown_words(
    fields: LeadFields, columns: Mapping[str, int], sample: Sequence[Sequence[str]]
) -> dict[str, list[tuple[str, int]]]:
    """The words of some rows that are no value of their column's field, commonest first."""
    found = {}
    for name, column in columns.items():
        spec = fields.by_name[name]
        if spec.type in CHOICES:
            cells = (row[column].strip() for row in sample if column < len(row))
            strange = (cell for cell in cells if fold(cell) not in spec.choice_by_word)
            words = Counter(word_key(cell) for cell in strange if is_word(cell))
            if words:
                found[name] = words.most_common(WORDS_SHOWN)
    return found


def lock_words(draft: Import, found: Mapping[str, Sequence[tuple[str, int]]]) -> str:
    """Unknown words under the file's key: whoever slipped a column may have put names there."""
    plain = json.dumps(found, ensure_ascii=False)
    locked = lock_cells(files.secret_of(draft), [plain], batch_id=draft.id, row=NO_ROW)
    return b64encode(locked).decode()


def open_words(draft: Import) -> dict[str, list[tuple[str, int]]]:
    """The words that the last look at the rows did not know, by field, commonest first."""
    locked = draft.forecast.get("words")
    if not locked or draft.file_key is None:
        return {}
    (plain,) = open_cells(files.secret_of(draft), b64decode(locked), batch_id=draft.id, row=NO_ROW)
    found = json.loads(plain)
    return {name: [(word, count) for word, count in words] for name, words in found.items()}


def is_word(word: str) -> bool:
    """Whether it is worth asking about: what could be a contact in the wrong column is not."""
    digits = sum(c.isdigit() for c in word)
    return 0 < len(word) <= WORD_LENGTH_MAX and digits <= WORD_DIGITS_MAX and "@" not in word


def _is_readable(spec: FieldSpec, text: str, context: ParseContext) -> bool:
    try:
        return parse(spec, text, context) is not None
    except FieldError:
        return False


def _edits(draft: Import, until: int | None) -> Iterator[tuple[int, list[str]]]:
    wanted = (*_of(draft.id, until), ImportRow.edited.is_not(None))
    statement = select(ImportRow.row_number, ImportRow.edited).where(*wanted)
    secret = files.secret_of(draft)
    for number, edited in db.session.execute(statement).yield_per(ROWS_PER_FETCH):
        assert edited is not None
        yield number, open_cells(secret, edited, batch_id=draft.id, row=number)


def _dropped(import_id: UUID, until: int | None) -> Iterator[int]:
    wanted = (*_of(import_id, until), ImportRow.is_dropped)
    yield from db.session.scalars(select(ImportRow.row_number).where(*wanted))


def _of(import_id: UUID, until: int | None) -> list[ColumnElement[bool]]:
    of_file = [ImportRow.import_id == import_id]
    return of_file if until is None else [*of_file, ImportRow.row_number <= until]
