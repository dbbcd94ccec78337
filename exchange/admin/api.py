"""The operator's API: the clock of a sandbox. Everything else of the operator is pages only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from exchange.admin.schemas import ClockForm, ClockOut
from exchange.core import clock
from exchange.core.doors import Blueprint
from exchange.identity.access import requires
from exchange.identity.permissions import Permission

blueprint = Blueprint("admin_api", __name__, description="The clock of a sandbox")


@blueprint.route("/test/clock/advance", methods=["POST"])
@requires(Permission.CLOCK_MOVE)
@blueprint.arguments(ClockForm)
@blueprint.response(200, ClockOut)
def advance(form: dict[str, Any]) -> dict[str, datetime]:
    """Move the clock of a sandbox forward, so that windows pass; a live instance refuses."""
    return {"now": clock.advance(timedelta(seconds=form["seconds"]))}
