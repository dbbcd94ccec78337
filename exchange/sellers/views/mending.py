"""Pages of Check and fix: what was found by rule, rows corrected in place, the problem file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta, get_locale, ngettext
from flask_babel import gettext as _

from exchange.core.errors import FieldProblem, Invalid
from exchange.core.web import again_with_errors, download, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries
from exchange.leads.models import Import, ImportStatus
from exchange.leads.services import fixes, imports, problem_files
from exchange.leads.services.mending import open_words
from exchange.leads.services.problem_rows import Page, problem_rows
from exchange.sellers import drafts
from exchange.sellers.schemas import DefaultForm, DropForm, FormatForm, RowsQuery
from exchange.sellers.views import words
from exchange.sellers.views.blueprint import blueprint

NOT_CHOSEN: Final = ""
CELL: Final = re.compile(r"cell-(\d{1,4})", re.ASCII)


@blueprint.get("/imports/<import_id>/check")
@requires(Permission.BATCH_UPLOAD)
def check(import_id: str) -> ResponseReturnValue:
    draft = _mine(import_id)
    if draft.status is not ImportStatus.CHECKED:
        return see_other("sellers.show_import", import_id=import_id)
    running = drafts.progress(
        done=draft.check_rows,
        total=draft.forecast["rows_about"],
        started_at=draft.check_started_at,
    )
    return render(
        "sellers/imports/check.html",
        block="results",
        draft=draft,
        found=drafts.checked(draft, language=str(get_locale())),
        running=None if draft.is_checked_whole else running,
        left=format_timedelta(running.left) if running.left else "",
        refusal=words.refusal(draft),
        sentence=words.sentence,
    )


@blueprint.get("/imports/<import_id>/rows")
@requires(Permission.BATCH_UPLOAD)
def rows(import_id: str) -> ResponseReturnValue:
    """Problem rows, those of one rule or all; what was just corrected lets the next one focus."""
    draft = _mine(import_id)
    if draft.status is not ImportStatus.CHECKED:
        return see_other("sellers.show_import", import_id=import_id)
    asked = load_query(RowsQuery())
    fields = queries.fields_of(draft.schema_id)
    return render(
        "sellers/imports/rows.html",
        draft=draft,
        asked=asked,
        page=_page(draft, asked),
        fields=fields.by_name,
        fixes=drafts.fixes_of(fields, field=asked["field"], code=asked["code"]),
        words=[(word, count, "") for word, count in open_words(draft).get(asked["field"], [])],
        language=str(get_locale()),
        sentence=words.sentence,
    )


@blueprint.post("/imports/<import_id>/rows/<int:row>")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(lambda import_id, **_row: rows(import_id))
def edit_row(import_id: str, row: int) -> ResponseReturnValue:
    cells = {
        int(found[1]): text
        for name, text in request.form.items()
        if (found := CELL.fullmatch(name))
    }
    edited = fixes.edit_row(
        import_id=_mine(import_id).id, row_number=row, cells=cells, actor=actor()
    )
    right = _("Row %(row)s is right now.", row=row)
    wrong = _("Row %(row)s is saved and still has a problem.", row=row)
    return see_other(
        "sellers.rows",
        toast=wrong if edited.findings else right,
        import_id=import_id,
        focus=row,
        **_kept("field", "code", "after"),
    )


@blueprint.post("/imports/<import_id>/empty")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(rows)
def fill_empty(import_id: str) -> ResponseReturnValue:
    form = load_form(DefaultForm())
    fixes.fill_empty(
        import_id=_mine(import_id).id, defaults={form["field"]: form["value"]}, actor=actor()
    )
    return _back(import_id, _("The empty cells have a value now; the rows are checked again."))


@blueprint.post("/imports/<import_id>/words")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(rows)
def map_words(import_id: str) -> ResponseReturnValue:
    words = words_of_form(request.form)
    fixes.map_words(import_id=_mine(import_id).id, words=words, actor=actor())
    return _back(import_id, _("The words are mapped; the rows are checked again."))


@blueprint.post("/imports/<import_id>/format")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(rows)
def set_format(import_id: str) -> ResponseReturnValue:
    form = load_form(FormatForm())
    imports.map_columns(
        import_id=_mine(import_id).id,
        chosen={},
        answers={form["name"]: form["value"]},
        actor=actor(),
    )
    return _back(import_id, _("The column is read that way now; the rows are checked again."))


@blueprint.post("/imports/<import_id>/drop")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(rows)
def drop_rows(import_id: str) -> ResponseReturnValue:
    count = fixes.drop_rows(import_id=_mine(import_id).id, actor=actor(), **load_form(DropForm()))
    text = ngettext("%(num)s row is left out.", "%(num)s rows are left out.", count)
    return _back(import_id, text)


@blueprint.post("/imports/<import_id>/restore")
@requires(Permission.BATCH_UPLOAD)
def restore_rows(import_id: str) -> ResponseReturnValue:
    fixes.restore_rows(import_id=_mine(import_id).id, actor=actor())
    return _back(import_id, _("The rows are back; they are checked again."))


@blueprint.post("/imports/<import_id>/recheck")
@requires(Permission.BATCH_UPLOAD)
def recheck(import_id: str) -> ResponseReturnValue:
    fixes.recheck(import_id=_mine(import_id).id, actor=actor())
    return _back(import_id, _("Every row is checked again."))


@blueprint.get("/imports/<import_id>/problems.csv")
@requires(Permission.BATCH_UPLOAD)
def draft_problems(import_id: str) -> Response:
    draft = _mine(import_id)
    found = problem_files.problem_file_of_draft(draft)
    return download(found, name=f"{draft.public_id}-problems.csv")


@blueprint.post("/imports/<import_id>/problems")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(check)
def merge_problems(import_id: str) -> ResponseReturnValue:
    file = request.files.get("file")
    if file is None or not file.filename:
        problem = FieldProblem("/file", "required", _("Choose a file."))
        raise Invalid(errors=(problem,))
    merged = problem_files.merge_problem_file(
        import_id=_mine(import_id).id,
        stream=file.stream,  # type: ignore[arg-type]  # werkzeug's stream is a binary file
        actor=actor(),
    )
    text = _(
        "%(changed)s of %(rows)s rows were changed; all rows are checked again.",
        changed=merged.changed,
        rows=merged.rows,
    )
    return _back(import_id, text)


def words_of_form(form: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Words by field from pairs of inputs: `word-<field>-<n>` and `means-<field>-<n>`."""
    found: dict[str, dict[str, str]] = {}
    for name, word in form.items():
        kind, _dash, rest = name.partition("-")
        value = form.get(f"means-{rest}", NOT_CHOSEN)
        if kind == "word" and value != NOT_CHOSEN:
            found.setdefault(rest.rpartition("-")[0], {})[word] = value
    return found


def _page(draft: Import, asked: Mapping[str, Any]) -> Page:  # Any: marshmallow's
    rule = {"field": asked["field"], "code": asked["code"]}
    page = problem_rows(draft, **rule, after=asked["after"], row=asked["row"])
    is_last = all(row.number <= asked["focus"] for row in page.items)
    if asked["focus"] >= 0 and is_last:  # the next problem stands on the next page
        return problem_rows(draft, **rule, after=asked["focus"])
    return page


def _kept(*names: str) -> dict[str, str]:
    return {name: request.args[name] for name in names if request.args.get(name)}


def _back(import_id: str, text: str) -> Response:
    return see_other("sellers.check", toast=text, import_id=import_id)


def _mine(import_id: str) -> Import:
    return drafts.get_draft(import_id, viewer=organization().id)
