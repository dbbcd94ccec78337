"""Pages of Recognise and Map: how a file is read, and which of its columns is which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog.values import DateOrder
from exchange.core.errors import DomainError
from exchange.core.web import again_with_errors, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries
from exchange.leads.encodings import ENCODINGS
from exchange.leads.layout import DELIMITERS, TITLE_ROWS_MAX
from exchange.leads.models import Import, ImportStatus
from exchange.leads.services import imports, looks
from exchange.leads.services.mending import open_words, unknown_words
from exchange.sellers import drafts
from exchange.sellers.schemas import FORMATS
from exchange.sellers.views import words
from exchange.sellers.views.blueprint import blueprint
from exchange.sellers.views.mending import words_of_form

NOT_IMPORTED: Final = "-"  # the choice "do not import" of a column
# What can be said about a file, with what may be chosen; the rest is chosen among what is asked.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "encoding": ENCODINGS,
    "delimiter": DELIMITERS,
    "header_row": tuple(map(str, range(TITLE_ROWS_MAX + 1))),
    "date_order": tuple(map(str, DateOrder)),
    "decimal_separator": (".", ","),
}
OVER: Final = frozenset({ImportStatus.CONFIRMED, ImportStatus.ABANDONED})


@blueprint.get("/imports/<import_id>/recognise")
@requires(Permission.BATCH_UPLOAD)
def questions(import_id: str) -> ResponseReturnValue:
    """What the file is, with the first rows as they would be read by what is chosen."""
    draft = _mine(import_id)
    if draft.status in OVER:
        return see_other("sellers.show_import", import_id=import_id)
    wanted = _answers(draft, request.args)
    found, problem = None, ""
    try:
        found = looks.recognised_as(draft, wanted)
    except DomainError as error:
        problem = _(error.detail)
    asked = {question.field: question for question in found.questions} if found else {}
    offered = {name: one.options for name, one in asked.items()}
    return render(
        "sellers/imports/questions.html",
        block="preview",
        draft=draft,
        found=found,
        problem=problem,
        asked=asked,
        choices={**draft.recognition["offered"], **offered, **CHOICES},
        chosen={**draft.recognition["answers"], **wanted},
        note=words.note,
        settled={**{name: one.guess for name, one in asked.items()}, **wanted},
    )


@blueprint.post("/imports/<import_id>/recognise")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(questions)
def answer(import_id: str) -> ResponseReturnValue:
    draft = _mine(import_id)
    imports.answer(import_id=draft.id, answers=_answers(draft, request.form), actor=actor())
    return see_other("sellers.columns", import_id=import_id)


@blueprint.get("/imports/<import_id>/map")
@requires(Permission.BATCH_UPLOAD)
def columns(import_id: str) -> ResponseReturnValue:
    draft = _mine(import_id)
    if draft.status in OVER:
        return see_other("sellers.show_import", import_id=import_id)
    if draft.status is ImportStatus.UPLOADED:
        return see_other("sellers.questions", import_id=import_id)
    look = looks.look(draft, automatic="automatic" in request.args)
    fields = queries.fields_of(draft.schema_id)
    at = look.mapping.index_by_field
    seen = {**unknown_words(fields, at, look.sample), **open_words(draft)}
    known = {**queries.remembered_words(draft), **draft.mapping.get("words", {})}
    return render(
        "sellers/imports/columns.html",
        draft=draft,
        look=look,
        fields=fields,
        words={name: _words(seen.get(name, []), known.get(name, {})) for name in at},
        remembered=queries.remembered_import(draft),
        defaults=_defaults(draft, look),
        language=str(get_locale()),
    )


@blueprint.post("/imports/<import_id>/map")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(columns)
def map_columns(import_id: str) -> ResponseReturnValue:
    form = request.form
    chosen = {
        int(name.removeprefix("column-")): None if value == NOT_IMPORTED else value
        for name, value in form.items()
        if name.startswith("column-") and name.removeprefix("column-").isdecimal()
    }
    defaults = {
        name.removeprefix("default-"): value
        for name, value in form.items()
        if name.startswith("default-")
    }
    draft = imports.map_columns(
        import_id=_mine(import_id).id,
        chosen=chosen,
        answers={name: form[name] for name in FORMATS if form.get(name)},
        defaults=defaults or None,
        words=words_of_form(form),
        actor=actor(),
    )
    step = "check" if draft.status is ImportStatus.CHECKED and not draft.questions else "columns"
    return see_other(f"sellers.{step}", import_id=import_id)


def _answers(draft: Import, sent: Mapping[str, str]) -> dict[str, str]:
    """What was said about the file, by the names of what can be said about it."""
    names = {*CHOICES, *draft.recognition["offered"]}
    return {name: sent[name] for name in names if sent.get(name)}


def _words(seen: Sequence[tuple[str, int]], known: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """Words of a field with how often they were seen and what they stand for, if that is known."""
    counts = {word: count for word, count in seen if word not in known}
    found = [(word, count, "") for word, count in counts.items()]
    return found + [(word, 0, value) for word, value in sorted(known.items())]


def _defaults(draft: Import, look: looks.Look) -> dict[str, str]:
    """Fields that have, could have or had one value for all rows, with that value."""
    fields = queries.fields_of(draft.schema_id).by_name
    earlier = queries.remembered_import(draft)
    known = earlier.mapping.get("defaults", {}) if earlier else {}
    wanted = {name: known.get(name, "") for name in look.mapping.missing}
    found = {**wanted, **known, **draft.mapping.get("defaults", {})}
    return {name: value for name, value in found.items() if not fields[name].contact}


def _mine(import_id: str) -> Import:
    return drafts.get_draft(import_id, viewer=organization().id)
