"""Call-backs that a verifier promised: call, put off, give to a colleague."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog.models import Vertical
from exchange.catalog.queries import get_definition
from exchange.core import clock
from exchange.core.db import get, parse_id
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.models import User
from exchange.identity.permissions import Permission
from exchange.verification.models import VerificationTask
from exchange.verification.queries import tasks as questions
from exchange.verification.schemas import HandOverForm, SnoozeForm
from exchange.verification.services import promises, tasks
from exchange.verification.views.blueprint import blueprint, me

SNOOZES: Final = (15, 60, 180)  # minutes


@blueprint.get("/callbacks")
@requires(Permission.TASK_WORK)
def callbacks() -> Response:
    now = clock.now()
    found = questions.promised(me())
    return render(
        "verification/callbacks/index.html",
        callbacks=[_shown(one, now=now) for one in found],
        snoozes=SNOOZES,
        colleagues=promises.colleagues_of(me(), organization_id=organization().id),
    )


@blueprint.post("/callbacks/<task_id>/call")
@requires(Permission.TASK_WORK)
@again_with_errors(lambda task_id: callbacks())  # noqa: ARG005  # the page takes no id
def call_back(task_id: str) -> ResponseReturnValue:
    taken = tasks.claim(
        task_id=_id(task_id),
        verifier_id=me(),
        organization_id=organization().id,
        actor=actor(),
    )
    return see_other("verification.task", task_id=taken.public_id)


@blueprint.post("/callbacks/<task_id>/snooze")
@requires(Permission.TASK_WORK)
@again_with_errors(lambda task_id: callbacks())  # noqa: ARG005  # as above
def snooze(task_id: str) -> ResponseReturnValue:
    minutes = load_form(SnoozeForm())["minutes"]
    promises.put_off(task_id=_id(task_id), by=timedelta(minutes=minutes), actor=actor())
    return see_other("verification.callbacks", toast=_("The call-back is put off."))


@blueprint.post("/callbacks/<task_id>/hand-over")
@requires(Permission.TASK_WORK)
@again_with_errors(lambda task_id: callbacks())  # noqa: ARG005  # as above
def hand_over(task_id: str) -> ResponseReturnValue:
    to = load_form(HandOverForm())["colleague"]
    promises.hand_over(task_id=_id(task_id), to_id=parse_id(to, User), actor=actor())
    return see_other("verification.callbacks", toast=_("Your colleague has the call-back now."))


def _shown(task: VerificationTask, *, now: datetime) -> dict[str, Any]:  # Any: for the template
    definition = get_definition(get(Vertical, task.vertical_id))
    return {
        "task": task,
        "label": definition.label_in(str(get_locale())),
        "local": task.not_before.astimezone(ZoneInfo(task.time_zone)),
        "is_due": task.not_before <= now,
        "attempts_max": max(definition.terms.attempts.decision_attempts, task.attempts + 1),
    }


def _id(text: str) -> UUID:
    return parse_id(text, VerificationTask)
