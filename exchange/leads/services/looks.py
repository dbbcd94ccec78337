"""What a draft's file looks like: for the pages that ask about it, and to settle its mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from exchange.catalog import queries as catalog
from exchange.leads import queries
from exchange.leads.findings import Question
from exchange.leads.formats import settle_formats
from exchange.leads.mapping import ColumnMapping, guess_mapping
from exchange.leads.models import Import
from exchange.leads.reading import Recognition
from exchange.leads.services import files
from exchange.leads.services.mending import check_defaults


def recognised_as(draft: Import, answers: Mapping[str, str] | None = None) -> Recognition:
    """What the file would be with further answers, with its first rows; for the page alone.

    Raises FileReject, and Invalid for an answer that is no option.
    """
    return files.examine_upload(draft, {**draft.recognition["answers"], **(answers or {})})


@dataclass(frozen=True, slots=True)
class Look:
    """What a recognised file looks like: its columns, its formats, and what must be asked."""

    mapping: ColumnMapping
    formats: dict[str, str | None]
    questions: tuple[Question, ...]
    sample: tuple[tuple[str, ...], ...] = ()  # personal data, for the page alone


def look(
    draft: Import,
    *,
    chosen: Mapping[int, str | None] | None = None,
    defaults: Mapping[str, str] | None = None,
    automatic: bool = False,
) -> Look:
    """The mapping of a recognised file: as it was settled, else the likeliest.

    Columns not chosen stay where they were put; this seller's last file with the same columns
    comes before every guess. `automatic` forgets all of that.
    """
    answers = draft.recognition.get("answers", {})
    sample = files.examine_upload(draft, answers).sample
    fields = queries.fields_of(draft.schema_id)
    before = {} if automatic else draft.mapping
    if defaults is None:
        defaults = before.get("defaults", {})
    definition = catalog.get_definition(queries.vertical_of(draft.vertical_id))
    usual = definition.context()
    guess = partial(
        guess_mapping,
        files.recognition(draft).header,
        sample,
        fields=fields,
        remembered={} if automatic else queries.remembered_mapping(draft),
        defaults=check_defaults(defaults, fields=fields, context=usual),
        given=draft.defaults,
    )
    mapping = guess(chosen=_together(before, chosen or {}))
    mapping = mapping.with_reasons_of(guess())
    context, questions = settle_formats(
        mapping.index_by_field, sample, fields=fields, context=usual, answers=answers
    )
    formats = {
        "date_order": context.date_order and str(context.date_order),
        "decimal_separator": context.decimal_separator,
    }
    return Look(mapping, formats, (*mapping.questions, *questions), sample)


def _together(
    before: Mapping[str, Any], chosen: Mapping[int, str | None]
) -> dict[int, str | None]:  # Any: JSON
    """What was settled before and what is chosen now; a field that is chosen now moves."""
    settled = {index: column["field"] for index, column in enumerate(before.get("columns", []))}
    wanted = {name for name in chosen.values() if name}
    kept = {index: name for index, name in settled.items() if name not in wanted}
    return {**kept, **chosen}
