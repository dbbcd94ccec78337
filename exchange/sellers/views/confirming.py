"""Pages of Confirm, Running and Result: what a draft becomes, while and after it becomes it."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta

from exchange.catalog.policies import QualityClass
from exchange.core.errors import NotFound
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, is_fragment, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries
from exchange.leads.models import Batch, BatchStatus, Import, ImportStatus
from exchange.leads.services import imports
from exchange.market import queries as market
from exchange.sellers import drafts
from exchange.sellers.price_hints import hints_for
from exchange.sellers.schemas import TermsForm
from exchange.sellers.views import words
from exchange.sellers.views.blueprint import blueprint
from exchange.verification import queries as verification
from exchange.verification.queries import Cell


@blueprint.get("/imports/<import_id>/confirm")
@requires(Permission.BATCH_UPLOAD)
def terms(import_id: str) -> ResponseReturnValue:
    draft = _mine(import_id)
    if draft.status is not ImportStatus.CHECKED:
        return see_other("sellers.show_import", import_id=import_id)
    definition = drafts.definition_of(draft)
    found = drafts.checked(draft, language=definition.language)
    vertical = queries.vertical_of(draft.vertical_id)
    band = market.price_guidance(vertical.id, currency=vertical.currency)
    cell = Cell(draft.organization_id, draft.vertical_id, draft.source_id)
    return render(
        "sellers/imports/terms.html",
        draft=draft,
        definition=definition,
        found=found,
        is_checked=draft.is_checked_whole,
        plans=drafts.plans_to_come(found.counts["valid"], definition.quality_classes),
        band=band,
        hint=hints_for({cell: band.median if band else None}).get(cell),
    )


@blueprint.post("/imports/<import_id>/confirm")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(terms)
@idempotent
def confirm(import_id: str) -> ResponseReturnValue:
    draft, form = _mine(import_id), load_form(TermsForm())
    price = Money(form.pop("price"), queries.vertical_of(draft.vertical_id).currency)
    declared, all_right = form.pop("declared_unsold"), form.pop("only_if_all_right")
    batch = imports.draft_batch(import_id=draft.id, price=price, actor=actor(), **form)
    imports.confirm(
        batch_id=batch.id, declared_unsold=declared, only_if_all_right=all_right, actor=actor()
    )
    return see_other("sellers.running", import_id=import_id)


@blueprint.get("/imports/<import_id>/running")
@requires(Permission.BATCH_UPLOAD)
def running(import_id: str) -> ResponseReturnValue:
    """How far the file is on its way to becoming leads; asked again until it is there."""
    draft = _mine(import_id)
    batch = queries.find_batch_of_import(draft.id)
    if draft.status is not ImportStatus.CONFIRMED or batch is None:
        return see_other("sellers.show_import", import_id=import_id)
    if batch.status is not BatchStatus.VALIDATING and not is_fragment():
        return see_other("sellers.result", import_id=import_id)
    total = batch.rows_total or draft.forecast.get("rows_about")
    work = drafts.progress(done=batch.rows_done, total=total, started_at=batch.created_at)
    return render(
        "sellers/imports/running.html",
        block="progress",
        draft=draft,
        batch=batch,
        work=work,
        left=format_timedelta(work.left) if work.left else "",
    )


@blueprint.get("/imports/<import_id>/result")
@requires(Permission.BATCH_UPLOAD)
def result(import_id: str) -> ResponseReturnValue:
    draft = _mine(import_id)
    batch = queries.find_batch_of_import(draft.id)
    if draft.status is not ImportStatus.CONFIRMED or batch is None:
        return see_other("sellers.show_import", import_id=import_id)
    if batch.status is BatchStatus.VALIDATING:
        return see_other("sellers.running", import_id=import_id)
    return render(
        "sellers/imports/result.html",
        draft=draft,
        batch=batch,
        draw=verification.get_draw(batch.id),
        refusal=words.refusal(draft) if batch.status is BatchStatus.WITHDRAWN else "",
        unverified=QualityClass.UNVERIFIED,
    )


@blueprint.get("/imports/<import_id>/receipt.json")
@requires(Permission.BATCH_UPLOAD)
def receipt(import_id: str) -> Response:
    """What was sent and what became of it, for the seller's records."""
    draft = _mine(import_id)
    batch = queries.find_batch_of_import(draft.id)
    if draft.status is not ImportStatus.CONFIRMED or batch is None:
        raise NotFound
    response = jsonify(_receipt(draft, batch))
    name = f"{draft.public_id}-receipt.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _receipt(draft: Import, batch: Batch) -> dict[str, Any]:  # Any: JSON
    return {
        "object": "import_receipt",
        "import": draft.public_id,
        "batch": batch.public_id,
        "file": {
            "name": draft.file_name,
            "size": draft.file_size,
            "sha256": draft.file_sha256.hex(),
        },
        "received_at": draft.created_at.isoformat(),
        "status": batch.status.value,
        "counts": {
            "rows": batch.rows_done,
            **{name: getattr(batch, name) for name in drafts.STATES},
        },
        "population": batch.population,
        "merkle_root": batch.merkle_root.hex() if batch.merkle_root else None,
    }


def _mine(import_id: str) -> Import:
    return drafts.get_draft(import_id, viewer=organization().id)
