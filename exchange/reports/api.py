"""The events of an organization, for programs that follow what happens to them."""

from __future__ import annotations

from typing import Any

from exchange.core.doors import Blueprint
from exchange.core.events import Event
from exchange.core.forms import list_of
from exchange.core.pagination import Page
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.reports import queries
from exchange.reports.schemas import EventOut, EventQuery

blueprint = Blueprint("reports_api", __name__, description="What happened")


@blueprint.route("/events", methods=["GET"])
@requires(Permission.EVENT_READ)
@blueprint.arguments(EventQuery, location="query")
@blueprint.response(200, list_of(EventOut))
def events(asked: dict[str, Any]) -> Page[Event]:
    """List the events of your organization, newest first."""
    return queries.events(
        viewer=organization().id,
        event_type=asked["type"],
        cursor=asked["cursor"],
        limit=asked["limit"],
    )
