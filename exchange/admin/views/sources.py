"""Pages of sources: everybody's, and the one on which the exchange stops and reopens one."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.admin import queries, timeline
from exchange.admin.schemas import ReasonForm, SourceQuery, StopForm
from exchange.admin.views.blueprint import blueprint
from exchange.core.db import parse_id
from exchange.core.events import Ref
from exchange.core.web import (
    again_with_errors,
    image,
    load_form,
    load_query,
    render,
    see_other,
)
from exchange.identity.access import actor, requires
from exchange.identity.permissions import Permission
from exchange.leads import cards, words
from exchange.leads.models import Source, SourceStatus
from exchange.leads.services import sources as verbs
from exchange.reports import queries as reports


@blueprint.get("/sources")
@requires(Permission.BATCH_REVIEW)
def sources() -> Response:
    asked = load_query(SourceQuery())
    page = cards.all_sources(**asked)
    return render(
        "admin/sources/index.html",
        block="results",
        page=page,
        asked={"status": str(asked["status"])} if asked["status"] else {},
        statuses=list(SourceStatus),
        figures=cards.figures([source.id for source in page.items]),
        names=queries.names({source.organization_id for source in page.items}),
        channels=words.CHANNELS,
    )


@blueprint.get("/sources/<source_id>")
@requires(Permission.BATCH_REVIEW)
def source(source_id: str) -> Response:
    seen = _source(source_id)
    events = reports.events(viewer=None, subject=Ref.to(seen))
    return render(
        "admin/sources/detail.html",
        seen=seen,
        seller=queries.names({seen.organization_id})[seen.organization_id],
        figures=cards.figures([seen.id]).get(seen.id, cards.NOTHING),
        wordings=cards.wordings(seen.id),
        picture=cards.find_picture(seen.id),
        history=timeline.entries(events.items),
        channels=words.CHANNELS,
        collectors=words.COLLECTORS,
    )


@blueprint.get("/sources/<source_id>/picture")
@requires(Permission.BATCH_REVIEW)
def source_picture(source_id: str) -> Response:
    return image(*cards.read_picture(_source(source_id).id))


@blueprint.post("/sources/<source_id>/stop")
@requires(Permission.BATCH_REVIEW)
@again_with_errors(source)
def stop_source(source_id: str) -> ResponseReturnValue:
    seen, form = _source(source_id), load_form(StopForm())
    verbs.stop_source(source_id=seen.id, actor=actor(), **form)
    return _back(seen, _("The source is stopped. Its seller is told why."))


@blueprint.post("/sources/<source_id>/reopen")
@requires(Permission.BATCH_REVIEW)
@again_with_errors(source)
def reopen_source(source_id: str) -> ResponseReturnValue:
    seen = _source(source_id)
    reason = load_form(ReasonForm())["reason"]
    verbs.reopen_source(source_id=seen.id, reason=reason, actor=actor())
    return _back(seen, _("The source is open again."))


def _back(seen: Source, toast: str) -> Response:
    return see_other("admin.source", source_id=seen.public_id, toast=toast)


def _source(source_id: str) -> Source:
    return cards.get_source(parse_id(source_id, Source), viewer=None)
