"""The control room: what waits, the first steps of a new house, what happened last."""

from __future__ import annotations

from flask import Response

from exchange.admin import queries, timeline
from exchange.admin.views.blueprint import blueprint
from exchange.core.web import render
from exchange.identity.access import requires
from exchange.identity.permissions import Permission
from exchange.reports import queries as reports

LATEST = 10
STAFF_FOR_FOUR_EYES = 2


@blueprint.get("")
@requires(Permission.AUDIT_READ)
def home() -> Response:
    events = reports.events(viewer=None, limit=LATEST)
    return render(
        "admin/home.html",
        waiting=queries.waiting(),
        steps=queries.first_steps(),
        lacks_second_person=queries.staff_of_money() < STAFF_FOR_FOUR_EYES,
        latest=timeline.entries(events.items),
    )
