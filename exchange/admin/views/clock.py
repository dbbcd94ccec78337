"""The page of the clock: only a sandbox or demo has one that can be moved."""

from __future__ import annotations

from datetime import timedelta

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.admin.schemas import ClockForm
from exchange.admin.views.blueprint import blueprint
from exchange.core import clock as exchange_clock
from exchange.core.clock import InstanceKind
from exchange.core.errors import NotFound
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import requires
from exchange.identity.permissions import Permission


@blueprint.get("/clock")
@requires(Permission.CLOCK_MOVE)
def clock() -> Response:
    if exchange_clock.instance_kind() is InstanceKind.LIVE:
        raise NotFound
    return render("admin/clock.html")


@blueprint.post("/clock")
@requires(Permission.CLOCK_MOVE)
@again_with_errors(clock)
def move_clock() -> ResponseReturnValue:
    exchange_clock.advance(timedelta(seconds=load_form(ClockForm())["seconds"]))
    return see_other("admin.clock", toast=_("The clock is moved."))
