"""Pages of uploading: files or pasted rows become drafts, and drafts wait for their seller.

Each step of a draft is an address of its own and its state is on the server: leaving is safe.
"""

from __future__ import annotations

import io
from typing import Final

from flask import Response, flash, g, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.core.errors import FieldProblem, Gone, Invalid
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries, samples
from exchange.leads.findings import FileReject
from exchange.leads.models import BatchStatus, Import, ImportStatus
from exchange.leads.reading import LIMITS
from exchange.leads.services import imports
from exchange.leads.services.uploads import FILES_MAX, Received, Sent, start_imports
from exchange.sellers import drafts
from exchange.sellers.schemas import UploadForm
from exchange.sellers.views.blueprint import blueprint
from exchange.verification.queries import next_commitment

PASTED: Final = "pasted.tsv"
STEPS: Final = {ImportStatus.UPLOADED: "questions", ImportStatus.CHECKED: "check"}


@blueprint.get("/imports")
@requires(Permission.BATCH_UPLOAD)
def open_imports() -> Response:
    found = queries.open_imports(viewer=organization().id)
    return render("sellers/imports/index.html", drafts=found)


@blueprint.get("/imports/new")
@requires(Permission.BATCH_UPLOAD)
def new_import() -> Response:
    """The form of an upload; a page of a source names that source."""
    ours = organization()
    sources = [one for one in queries.sources(viewer=ours.id) if one.takes_leads]
    usual = sources[0].name if sources else ""
    return render(
        "sellers/imports/new.html",
        verticals=[catalog.get_definition(v) for v in catalog.verticals()],
        sources=sources,
        source=request.args.get("source", usual),
        commitment=next_commitment(ours.id),
        limits=LIMITS,
        files_max=FILES_MAX,
        known_batch=g.get("known_batch", ""),
        language=str(get_locale()),
    )


@blueprint.post("/imports")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(new_import)
def upload() -> ResponseReturnValue:
    """One file leads to its next step, several to the list that says what became of each."""
    form = load_form(UploadForm())
    sent = _sent(form["pasted"])
    received = start_imports(
        organization_id=organization().id,
        vertical_code=form["vertical"],
        source_name=form["source"],
        files=sent,
        again=form["again"],
        actor=actor(),
    )
    if len(received) == 1:
        return _only(received[0])
    for one in received:
        flash(*_said(one))
    return see_other("sellers.open_imports")


@blueprint.get("/imports/<import_id>")
@requires(Permission.BATCH_UPLOAD)
def show_import(import_id: str) -> ResponseReturnValue:
    """Lead to the step that is due. Raises Gone for a draft that was dropped."""
    draft = _mine(import_id)
    if draft.status is ImportStatus.ABANDONED:
        raise Gone("This import was dropped; its file is gone.", code="import_dropped")
    if draft.status is ImportStatus.CONFIRMED:
        batch = queries.find_batch_of_import(draft.id)
        is_running = batch is not None and batch.status is BatchStatus.VALIDATING
        step = "running" if is_running else "result"
        return see_other(f"sellers.{step}", import_id=import_id)
    return see_other(f"sellers.{STEPS.get(draft.status, 'columns')}", import_id=import_id)


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


@blueprint.get("/templates/<code>")
@requires(Permission.BATCH_UPLOAD)
def dictionary(code: str) -> Response:
    """The fields of a vertical: what a column may hold and by which headers it is known."""
    return render(
        "sellers/imports/dictionary.html",
        definition=catalog.get_definition(catalog.get_vertical(code)),
        language=str(get_locale()),
    )


def _sent(pasted: str) -> list[Sent]:
    sent = [
        Sent(file.filename, file.stream) for file in request.files.getlist("file") if file.filename
    ]
    if pasted.strip():
        sent.append(Sent(PASTED, io.BytesIO(pasted.encode())))
    if not sent:
        problem = FieldProblem("/file", "required", _("Choose a file, or paste rows."))
        raise Invalid(errors=(problem,))
    return sent


def _only(received: Received) -> Response:
    if received.error is not None:
        g.known_batch = received.error.facts.get("batch", "")  # the page links to it
        raise received.error
    assert received.draft is not None
    return see_other("sellers.show_import", import_id=received.draft.public_id)


def _said(received: Received) -> tuple[str, str]:
    """What became of one of several files, as a notice with its tone."""
    error = received.error
    if error is None:
        return _("%(name)s is received.", name=received.name), "success"
    if isinstance(error, FileReject):
        return f"{received.name}: {_(error.sentence, **error.facts)}", "error"
    return f"{received.name}: {_(error.detail)}", "error"


def _mine(import_id: str) -> Import:
    return drafts.get_draft(import_id, viewer=organization().id)
