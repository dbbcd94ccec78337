"""Pages of sources: where leads come from, the card that buyers see, and pausing."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.core.db import parse_id
from exchange.core.errors import FieldProblem, Invalid, NotFound
from exchange.core.events import Ref
from exchange.core.web import again_with_errors, image, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import cards, words
from exchange.leads.models import Source
from exchange.leads.services import sources as verbs
from exchange.reports import queries as reports
from exchange.sellers import queries
from exchange.sellers.schemas import SourceForm
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/sources")
@requires(Permission.BATCH_READ)
def sources() -> Response:
    views = queries.source_views(viewer=organization().id)
    return render("sellers/sources/index.html", views=views, channels=words.CHANNELS)


@blueprint.get("/sources/new")
@requires(Permission.BATCH_UPLOAD)
def new_source() -> Response:
    return _card_page(None)


@blueprint.post("/sources")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(new_source)
def create_source() -> ResponseReturnValue:
    card = load_form(SourceForm())
    made = verbs.create_source(organization_id=organization().id, card=card, actor=actor())
    return _back(made, _("The source is there. Files may name it."))


@blueprint.get("/sources/<source_id>")
@requires(Permission.BATCH_READ)
def source(source_id: str) -> Response:
    mine = _mine(source_id)
    return render(
        "sellers/sources/detail.html",
        seen=queries.source_view(mine),
        source=mine,
        picture=cards.find_picture(mine.id),
        wordings=cards.wordings(mine.id),
        history=reports.events(viewer=organization().id, subject=Ref.to(mine)).items,
        channels=words.CHANNELS,
        collectors=words.COLLECTORS,
    )


@blueprint.get("/sources/<source_id>/edit")
@requires(Permission.BATCH_UPLOAD)
def edit_source(source_id: str) -> Response:
    return _card_page(_mine(source_id))


@blueprint.post("/sources/<source_id>/edit")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(edit_source)
def save_source(source_id: str) -> ResponseReturnValue:
    card = load_form(SourceForm())
    return _back(verbs.edit_source(source_id=_mine(source_id).id, card=card, actor=actor()))


@blueprint.get("/sources/<source_id>/picture")
@requires(Permission.BATCH_READ)
def source_picture(source_id: str) -> Response:
    return image(*cards.read_picture(_mine(source_id).id))


@blueprint.post("/sources/<source_id>/picture")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(source)
def set_source_picture(source_id: str) -> ResponseReturnValue:
    mine, file = _mine(source_id), request.files.get("picture")
    if file is None or not file.filename:
        problem = FieldProblem("/picture", "required", _("Choose a picture."))
        raise Invalid(errors=(problem,))
    verbs.set_picture(source_id=mine.id, stream=file.stream, actor=actor())
    return _back(mine)


def _again(source_id: str, **_values: str) -> ResponseReturnValue:
    """The source with what was refused on top."""
    return source(source_id)


@blueprint.post("/sources/<source_id>/<step>")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(_again)
def move_source(source_id: str, step: str) -> ResponseReturnValue:
    mine = _mine(source_id)
    steps = {"pause": verbs.pause_source, "resume": verbs.resume_source}
    if step not in steps:
        raise NotFound
    return _back(steps[step](source_id=mine.id, actor=actor()))


def _card_page(mine: Source | None) -> Response:
    wording = cards.current_wording(mine.id) if mine else None
    values: dict[str, Any] = {"collected_by": "own"}  # Any: shown as it is
    if mine:
        values = {name: getattr(mine, name) for name in verbs.PLAIN}
    return render(
        "sellers/sources/card.html",
        source=mine,
        values=values,
        defaults=mine.defaults if mine else {},
        consent_text=wording.text if wording else "",
        channels=words.CHANNELS,
        collectors=words.COLLECTORS,
    )


def _back(mine: Source, toast: str | None = None) -> Response:
    return see_other("sellers.source", source_id=mine.public_id, toast=toast)


def _mine(source_id: str) -> Source:
    return cards.get_source(parse_id(source_id, Source), viewer=organization().id)
