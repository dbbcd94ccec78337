"""Pages of an import: upload, answer what was asked, map the columns, confirm.

Each step is an address of its own and its state is on the server: leaving is always safe.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.core.db import parse_id
from exchange.core.errors import FieldProblem, Invalid
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries, samples
from exchange.leads.models import Import, ImportStatus
from exchange.leads.reading import LIMITS
from exchange.leads.services import imports
from exchange.sellers.schemas import TermsForm, UploadForm
from exchange.sellers.views.blueprint import blueprint
from exchange.verification.queries import next_commitment

NOT_IMPORTED: Final = "-"  # the choice "do not import" of a column
FORMATS: Final = ("date_order", "decimal_separator")  # asked on the page of the columns


@blueprint.get("/imports/new")
@requires(Permission.BATCH_UPLOAD)
def new_import() -> Response:
    ours = organization()
    return render(
        "sellers/imports/new.html",
        verticals=[catalog.get_definition(v) for v in catalog.verticals()],
        sources=[one for one in queries.sources(viewer=ours.id) if one.takes_leads],
        commitment=next_commitment(ours.id),
        limits=LIMITS,
        language=str(get_locale()),
    )


@blueprint.post("/imports")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(new_import)
def upload() -> ResponseReturnValue:
    form = load_form(UploadForm())
    file = request.files.get("file")
    if file is None:
        problem = FieldProblem("/file", "required", _("Choose a file."))
        raise Invalid(errors=(problem,))
    draft = imports.start_import(
        organization_id=organization().id,
        vertical_code=form["vertical"],
        source_name=form["source"],
        file_name=file.filename or "",
        stream=file.stream,
        again=form["again"],
        actor=actor(),
    )
    return see_other("sellers.show_import", import_id=draft.public_id)


@blueprint.get("/imports/<import_id>")
@requires(Permission.BATCH_UPLOAD)
def show_import(import_id: str) -> ResponseReturnValue:
    """Lead to the step that is due."""
    draft = _mine(import_id)
    batch = queries.find_batch_of_import(draft.id)
    if draft.status is ImportStatus.CONFIRMED and batch is not None:
        return see_other("sellers.batch", batch_id=batch.public_id)
    step = {ImportStatus.UPLOADED: "questions", ImportStatus.CHECKED: "terms"}
    return see_other(f"sellers.{step.get(draft.status, 'columns')}", import_id=import_id)


@blueprint.get("/imports/<import_id>/recognise")
@requires(Permission.BATCH_UPLOAD)
def questions(import_id: str) -> Response:
    draft = _mine(import_id)
    return render(
        "sellers/imports/questions.html",
        draft=draft,
        questions=imports.questions_with_preview(draft),
    )


@blueprint.post("/imports/<import_id>/recognise")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(questions)
def answer(import_id: str) -> ResponseReturnValue:
    draft = _mine(import_id)
    fields = {question["field"] for question in draft.questions}
    answers = {name: value for name, value in request.form.items() if name in fields}
    imports.answer(import_id=draft.id, answers=answers, actor=actor())
    return see_other("sellers.show_import", import_id=import_id)


@blueprint.get("/imports/<import_id>/map")
@requires(Permission.BATCH_UPLOAD)
def columns(import_id: str) -> Response:
    draft = _mine(import_id)
    return render(
        "sellers/imports/columns.html",
        draft=draft,
        look=imports.look(draft),
        fields=queries.fields_of(draft.schema_id),
        language=str(get_locale()),
    )


@blueprint.post("/imports/<import_id>/map")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(columns)
def map_columns(import_id: str) -> ResponseReturnValue:
    chosen = {
        int(name.removeprefix("column-")): None if value == NOT_IMPORTED else value
        for name, value in request.form.items()
        if name.startswith("column-") and name.removeprefix("column-").isdecimal()
    }
    answers = {name: request.form[name] for name in FORMATS if request.form.get(name)}
    imports.map_columns(
        import_id=_mine(import_id).id, chosen=chosen, answers=answers, actor=actor()
    )
    return see_other("sellers.show_import", import_id=import_id)


@blueprint.get("/imports/<import_id>/confirm")
@requires(Permission.BATCH_UPLOAD)
def terms(import_id: str) -> Response:
    draft = _mine(import_id)
    if draft.status is not ImportStatus.CHECKED:
        return see_other("sellers.show_import", import_id=import_id)
    return render(
        "sellers/imports/terms.html",
        draft=draft,
        definition=catalog.get_definition(queries.vertical_of(draft.vertical_id)),
    )


@blueprint.post("/imports/<import_id>/confirm")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(terms)
@idempotent
def confirm(import_id: str) -> ResponseReturnValue:
    draft, form = _mine(import_id), load_form(TermsForm())
    price = Money(form.pop("price"), queries.vertical_of(draft.vertical_id).currency)
    declared = form.pop("declared_unsold")
    batch = imports.draft_batch(import_id=draft.id, price=price, actor=actor(), **form)
    imports.confirm(batch_id=batch.id, declared_unsold=declared, actor=actor())
    return see_other("sellers.batch", batch_id=batch.public_id)


@blueprint.post("/imports/<import_id>/abandon")
@requires(Permission.BATCH_UPLOAD)
def abandon(import_id: str) -> ResponseReturnValue:
    imports.abandon(import_id=_mine(import_id).id, actor=actor())
    return see_other("sellers.batches", toast=_("The draft and its file are gone."))


@blueprint.get("/templates/<code>.csv")
@requires(Permission.BATCH_UPLOAD)
def template(code: str) -> Response:
    definition = catalog.get_definition(catalog.get_vertical(code))
    headers = {"Content-Disposition": f'attachment; filename="{definition.code}.csv"'}
    return Response(b"".join(samples.template(definition)), mimetype="text/csv", headers=headers)


def _mine(import_id: str) -> Import:
    return queries.get_import(parse_id(import_id, Import), viewer=organization().id)
