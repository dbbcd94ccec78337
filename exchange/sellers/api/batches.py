"""The seller's API: upload a file, answer what is asked, follow the batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from exchange.core.db import get, parse_id
from exchange.core.errors import FieldProblem, Invalid, NotFound
from exchange.core.forms import list_of
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.pagination import Page
from exchange.core.web import download
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import cards
from exchange.leads import queries as leads
from exchange.leads.models import (
    Batch,
    BatchStatus,
    Import,
    ImportStatus,
    LeadKind,
    Source,
    SourceStatus,
)
from exchange.leads.services import batches as verbs
from exchange.leads.services import imports
from exchange.leads.services import sources as source_verbs
from exchange.leads.services.problem_files import problem_file
from exchange.sellers import queries
from exchange.sellers.api.blueprint import blueprint
from exchange.sellers.inspecting import InspectionView, inspection_view
from exchange.sellers.schemas import (
    FORMATS,
    BatchAnswers,
    BatchOut,
    BatchQuery,
    BatchUpload,
    InspectionBody,
    InspectionOut,
    MendingText,
    NonceForm,
    SourceCardOut,
    SourceChange,
    SourceForm,
)
from exchange.verification.services import draws, guarantees


@blueprint.route("/batches", methods=["POST"])
@requires(Permission.BATCH_UPLOAD)
@idempotent
@blueprint.arguments(BatchUpload, location="form", content_type="multipart/form-data")
@blueprint.response(202, BatchOut)
def upload(form: dict[str, Any]) -> queries.BatchView:
    """Upload a file as a batch.

    The answer is a draft with `questions` where something about the file can only be said by you;
    else the rows are being taken in and `counts` fill up.
    """
    draft = imports.start_import(
        organization_id=organization().id,
        vertical_code=form["vertical"],
        source_name=form["source"],
        file_name=_file().filename or "",
        stream=_file().stream,
        again=form["again"],
        actor=actor(),
    )
    batch = imports.draft_batch(
        import_id=draft.id,
        name=form["name"],
        quality_class=form["quality_class"],
        price=Money(form["price"], leads.vertical_of(draft.vertical_id).currency),
        kind=LeadKind.EXCLUSIVE if form["sales_max"] == 1 else LeadKind.SHARED,
        sales_max=form["sales_max"],
        actor=actor(),
    )
    said = {**form, **_said(form)}
    _proceed(draft, batch, said)
    return queries.view_of(batch)


@blueprint.route("/batches", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.arguments(BatchQuery, location="query")
@blueprint.response(200, list_of(BatchOut))
def index(asked: dict[str, Any]) -> Page[queries.BatchView]:
    """List your batches, newest first."""
    return queries.batch_views(viewer=organization().id, **asked)


@blueprint.route("/batches/<batch_id>", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.response(200, BatchOut)
def show(batch_id: str) -> queries.BatchView:
    """Show counts, progress and, once decided, the measured quality."""
    return queries.get_batch_view(parse_id(batch_id, Batch), viewer=organization().id)


@blueprint.route("/batches/<batch_id>", methods=["PATCH"])
@requires(Permission.BATCH_UPLOAD)
@blueprint.arguments(BatchAnswers)
@blueprint.response(202, BatchOut)
def answer(form: dict[str, Any], batch_id: str) -> queries.BatchView:
    """Answer what was asked about the file of a draft, or mend it; it goes on by itself then."""
    batch = _mine(batch_id)
    if batch.import_id is None:
        raise NotFound("This batch came without a file.")
    draft = get(Import, batch.import_id)
    if form["answers"]:
        draft = imports.answer(import_id=draft.id, answers=form["answers"], actor=actor())
    _proceed(draft, batch, {**form, "declared_unsold": True})
    return queries.view_of(batch)


@blueprint.route("/batches/<batch_id>/problems", methods=["GET"])
@requires(Permission.BATCH_UPLOAD)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
def problems(batch_id: str) -> ResponseReturnValue:
    """Download the refused rows as you sent them, with the reason of each."""
    mine = _mine(batch_id)
    return download(problem_file(mine.id), name=f"{mine.public_id}-problems.csv")


@blueprint.route("/batches/<batch_id>/nonce", methods=["POST"])
@requires(Permission.BATCH_UPLOAD)
@blueprint.arguments(NonceForm)
@blueprint.response(200, BatchOut)
def give_nonce(form: dict[str, Any], batch_id: str) -> queries.BatchView:
    """Add your nonce within ten minutes of the seal, and the sample is drawn at once."""
    batch = _mine(batch_id)
    draws.give_nonce(batch_id=batch.id, nonce=form["nonce"], by="seller", actor=actor())
    return queries.view_of(batch)


@blueprint.route("/batches/<batch_id>/withdraw", methods=["POST"])
@requires(Permission.BATCH_UPLOAD)
@blueprint.response(200, BatchOut)
def withdraw(batch_id: str) -> queries.BatchView:
    """Take a decided batch back; leads that are sold stay sold."""
    return queries.view_of(verbs.withdraw_batch(batch_id=_mine(batch_id).id, actor=actor()))


@blueprint.route("/batches/<batch_id>/unverified", methods=["POST"])
@requires(Permission.LISTING_PUBLISH)
@blueprint.response(200, BatchOut)
def sell_unverified(batch_id: str) -> queries.BatchView:
    """Put a lot that could not be judged on sale as Unverified, with full return rights."""
    return queries.view_of(verbs.sell_unverified(batch_id=_mine(batch_id).id, actor=actor()))


@blueprint.route("/batches/<batch_id>/inspection", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.response(200, InspectionOut)
def show_inspection(batch_id: str) -> InspectionView:
    """Show the full inspection that runs, or whom one would call and what it would cost."""
    return inspection_view(_mine(batch_id))


@blueprint.route("/batches/<batch_id>/inspection", methods=["POST"])
@requires(Permission.BATCH_UPLOAD)
@idempotent
@blueprint.arguments(InspectionBody)
@blueprint.response(201, InspectionOut)
def start_inspection(body: dict[str, Any], batch_id: str) -> InspectionView:
    """Have everybody called who gave no answer yet; the whole sum is held first.

    Each answer is paid out of it, what is left comes back at the end. With `total` it is started
    for that sum only.
    """
    batch = _mine(batch_id)
    guarantees.inspect(batch_id=batch.id, agreed=body["total"], actor=actor())
    return inspection_view(batch)


@blueprint.route("/sources", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.response(200, list_of(SourceCardOut))
def sources() -> dict[str, Any]:
    """List your sources by name, all at once."""
    return {
        "items": queries.source_views(viewer=organization().id),
        "has_more": False,
        "next_cursor": None,
    }


@blueprint.route("/sources", methods=["POST"])
@requires(Permission.BATCH_UPLOAD)
@idempotent
@blueprint.arguments(SourceForm)
@blueprint.response(201, SourceCardOut)
def create_source(card: dict[str, Any]) -> queries.SourceView:
    """Write the card of a new source; files name it, and it fills in what they leave empty."""
    made = source_verbs.create_source(organization_id=organization().id, card=card, actor=actor())
    return queries.source_view(made)


@blueprint.route("/sources/<source_id>", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.response(200, SourceCardOut)
def source(source_id: str) -> queries.SourceView:
    """Show the card of a source with what came of it."""
    return queries.source_view(_source(source_id))


@blueprint.route("/sources/<source_id>", methods=["PATCH"])
@requires(Permission.BATCH_UPLOAD)
@blueprint.arguments(SourceChange(partial=True))
@blueprint.response(200, SourceCardOut)
def edit_source(card: dict[str, Any], source_id: str) -> queries.SourceView:
    """Change what you name; `status` pauses and resumes. Leads that are here keep what they had."""
    mine, status = _source(source_id), card.pop("status", None)
    source_verbs.edit_source(source_id=mine.id, card=card, actor=actor())
    if status is SourceStatus.PAUSED and mine.status is SourceStatus.ACTIVE:
        source_verbs.pause_source(source_id=mine.id, actor=actor())
    if status is SourceStatus.ACTIVE and mine.status is not SourceStatus.ACTIVE:
        source_verbs.resume_source(source_id=mine.id, actor=actor())
    return queries.source_view(mine)


@blueprint.route("/sources/<source_id>/picture", methods=["POST"])
@requires(Permission.BATCH_UPLOAD)
@blueprint.response(200, SourceCardOut)
def set_source_picture(source_id: str) -> queries.SourceView:
    """Send a picture of what people saw as the part `file` of a multipart form."""
    mine = _source(source_id)
    source_verbs.set_picture(source_id=mine.id, stream=_file().stream, actor=actor())
    return queries.source_view(mine)


def _source(source_id: str) -> Source:
    return cards.get_source(parse_id(source_id, Source), viewer=organization().id)


def _proceed(draft: Import, batch: Batch, said: Mapping[str, Any]) -> None:  # Any: the form
    """Go on as far as nothing must be asked; who wants all rows right comes back for it."""
    if draft.status is ImportStatus.UPLOADED or batch.status is not BatchStatus.DRAFT:
        return
    is_new = draft.status is not ImportStatus.CHECKED
    if is_new or any(said[name] for name in ("answers", "mapping", "defaults", "words")):
        draft = imports.map_columns(
            import_id=draft.id,
            chosen=_columns(draft, said["mapping"]),
            answers={name: said["answers"][name] for name in FORMATS if name in said["answers"]},
            defaults=said["defaults"],
            words=said["words"],
            actor=actor(),
        )
    if draft.status is not ImportStatus.CHECKED or draft.questions:
        return
    if said["only_if_all_right"] and not draft.is_checked_whole:
        return
    imports.confirm(
        batch_id=batch.id,
        declared_unsold=said["declared_unsold"],
        only_if_all_right=said["only_if_all_right"],
        actor=actor(),
    )


def _columns(draft: Import, mapping: Mapping[str, list[str]]) -> dict[int, str | None]:
    """Columns by index from `{field: headers}`; a header that the file lacks is refused."""
    header: list[str] = draft.recognition["header"]
    wanted = [(name, field) for field, names in mapping.items() for name in names]
    missing = [name for name, _field in wanted if name not in header]
    if missing:
        text = f"The file has no column {missing[0]}."
        raise Invalid(errors=(FieldProblem("/mapping", "unknown_column", text),))
    return {header.index(name): field for name, field in wanted}


def _said(form: Mapping[str, Any]) -> dict[str, Any]:  # Any: the form, and JSON inside it
    """The parts of the form that are JSON objects; none of them answers a question."""
    found: dict[str, Any] = {"answers": {}}  # Any: as above
    for name in ("mapping", "defaults", "words"):
        try:
            found |= MendingText(only=(name,)).load({name: json.loads(form[name])})
        except (json.JSONDecodeError, ValidationError):
            text = f"The {name} is a JSON object by the names of fields."
            raise Invalid(errors=(FieldProblem(f"/{name}", "invalid", text),)) from None
    return found


def _file() -> Any:  # Any: werkzeug's FileStorage, whose stream is a binary file
    file = request.files.get("file")
    if file is None:
        text = "Send the table as the part `file` of a multipart form."
        raise Invalid(errors=(FieldProblem("/file", "required", text),))
    return file


def _mine(batch_id: str) -> Batch:
    return leads.get_batch(parse_id(batch_id, Batch), viewer=organization().id)
