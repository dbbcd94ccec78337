"""The page of the audit log: every event, by type, subject and actor."""

from __future__ import annotations

from flask import Response

from exchange.admin import timeline
from exchange.admin.schemas import EventQuery
from exchange.admin.views.blueprint import blueprint
from exchange.core.events import Event
from exchange.core.pagination import Page
from exchange.core.web import load_query, render
from exchange.identity.access import requires
from exchange.identity.permissions import Permission
from exchange.reports import queries as reports


@blueprint.get("/events")
@requires(Permission.AUDIT_READ)
def events() -> Response:
    asked = load_query(EventQuery())
    subject = reports.find_ref(asked["subject"]) if asked["subject"] else None
    actor = reports.find_ref(asked["actor"]) if asked["actor"] else None
    # An id that names nothing has no events, which is not the same as not asking for one.
    is_unknown = bool(asked["subject"] and not subject) or bool(asked["actor"] and not actor)
    page: Page[Event] = (
        Page([], None)
        if is_unknown
        else reports.events(
            viewer=None,
            event_type=asked["type"],
            subject=subject,
            actor_id=actor.id if actor else None,
            cursor=asked["cursor"],
            limit=50,
        )
    )
    return render(
        "admin/events.html",
        block="results",
        page=page,
        log=timeline.entries(page.items),
        asked={name: asked[name] for name in ("type", "subject", "actor") if asked[name]},
    )
