"""Pages of batches: the list, and one batch from its first row to its last sale."""

from __future__ import annotations

import secrets

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _

from exchange.core.db import get, parse_id
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, download, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus, Import
from exchange.leads.services import batches as verbs
from exchange.leads.services.problem_files import problem_file
from exchange.market import queries as market
from exchange.market.refusal_words import REFUSALS
from exchange.sellers import queries
from exchange.sellers.inspecting import choice_of, inspection_view
from exchange.sellers.schemas import AgreedForm, BatchQuery, NonceForm
from exchange.sellers.views import words
from exchange.sellers.views.blueprint import blueprint
from exchange.verification import queries as verification
from exchange.verification.services import draws, guarantees


@blueprint.get("/batches")
@requires(Permission.BATCH_READ)
def batches() -> Response:
    asked = load_query(BatchQuery())
    ours = organization()
    return render(
        "sellers/batches/index.html",
        block="results",
        page=queries.batch_views(viewer=ours.id, **asked),
        drafts=leads.open_imports(viewer=ours.id),
        asked=asked,
        statuses=[status for status in BatchStatus if status is not BatchStatus.DRAFT],
    )


@blueprint.get("/batches/<batch_id>")
@requires(Permission.BATCH_READ)
def batch(batch_id: str) -> Response:
    seen = queries.get_batch_view(parse_id(batch_id, Batch), viewer=organization().id)
    listing = market.find_listing_of_batch(seen.batch.id)
    waited = listing and queries.time_to_sale(seen.batch, listing)
    return render(
        "sellers/batches/detail.html",
        block="progress",
        seen=seen,
        batch=seen.batch,
        draw=verification.get_draw(seen.batch.id),
        is_public=verification.is_public(seen.batch),
        sources=verification.lot_sources(seen.batch.id),
        progress=verification.progress(seen.batch.id),
        sheet=verification.lot_sheet(seen.batch),
        listing=listing,
        met=market.refusals_of_batch(seen.batch.id),
        refusal_words=REFUSALS,
        waited=format_timedelta(waited, granularity="minute") if waited else "",
        refusal=_refusal(seen.batch),
        suggestion=secrets.token_hex(8),
        choice=choice_of(seen.batch),
        problems={code: (words.sentence(code), n) for code, n in seen.problems.items()},
    )


@blueprint.post("/batches/<batch_id>/nonce")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(batch)
def give_nonce(batch_id: str) -> ResponseReturnValue:
    draws.give_nonce(
        batch_id=_mine(batch_id).id,
        nonce=load_form(NonceForm())["nonce"],
        by="seller",
        actor=actor(),
    )
    return see_other("sellers.batch", batch_id=batch_id, toast=_("The sample is drawn."))


@blueprint.get("/batches/<batch_id>/problems.csv")
@requires(Permission.BATCH_UPLOAD)
def problems(batch_id: str) -> Response:
    mine = _mine(batch_id)
    return download(problem_file(mine.id), name=f"{mine.public_id}-problems.csv")


@blueprint.post("/batches/<batch_id>/withdraw")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(batch)
def withdraw(batch_id: str) -> ResponseReturnValue:
    verbs.withdraw_batch(batch_id=_mine(batch_id).id, actor=actor())
    return see_other("sellers.batch", batch_id=batch_id, toast=_("The batch is withdrawn."))


@blueprint.post("/batches/<batch_id>/unverified")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(batch)
def sell_unverified(batch_id: str) -> ResponseReturnValue:
    verbs.sell_unverified(batch_id=_mine(batch_id).id, actor=actor())
    return see_other("sellers.batch", batch_id=batch_id, toast=_("On sale as unverified."))


@blueprint.get("/batches/<batch_id>/inspection")
@requires(Permission.BATCH_UPLOAD)
def inspection(batch_id: str) -> ResponseReturnValue:
    mine = _mine(batch_id)
    seen = inspection_view(mine)
    if seen.running or choice_of(mine) is None:
        return see_other("sellers.batch", batch_id=batch_id)
    return render("sellers/batches/inspection.html", batch=mine, seen=seen)


@blueprint.post("/batches/<batch_id>/inspection")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(inspection)
@idempotent
def start_inspection(batch_id: str) -> ResponseReturnValue:
    mine, shown = _mine(batch_id), load_form(AgreedForm())
    guarantees.inspect(
        batch_id=mine.id, agreed=Money(shown["amount"], shown["currency"]), actor=actor()
    )
    toast = _("Everybody who gave no answer yet is being called.")
    return see_other("sellers.batch", batch_id=batch_id, toast=toast)


def _refusal(batch: Batch) -> str:
    """Why the file of a withdrawn batch was refused; empty where it was not."""
    if batch.import_id is None or batch.status is not BatchStatus.WITHDRAWN:
        return ""
    return words.refusal(get(Import, batch.import_id))


def _mine(batch_id: str) -> Batch:
    return leads.get_batch(parse_id(batch_id, Batch), viewer=organization().id)
