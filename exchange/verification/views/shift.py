"""Pages of whoever runs the floor: the queue, everybody's figures, pauses and appeals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.verification.gold_models import Appeal
from exchange.verification.queries import workers
from exchange.verification.schemas import DecideForm, PauseForm
from exchange.verification.services import appeals, oversight
from exchange.verification.views.blueprint import blueprint, label_of, me
from exchange.verification.words import PAUSES
from exchange.verification.worker_models import Qualification, QualificationStatus
from exchange.verification.workers import LIMITS, PauseRule


@blueprint.get("/shift")
@requires(Permission.VERIFIER_MANAGE)
def shift() -> Response:
    """A shift lead sees their own people, and known calls as late as they do; staff sees all."""
    now, is_staff = clock.now(), actor().may(Permission.GOLD_MANAGE)
    scope = None if is_staff else organization().id
    people = workers.floor(scope)
    until = None if is_staff else workers.shown_until(now)
    return render(
        "verification/shift/index.html",
        layout="layouts/admin.html" if is_staff else "layouts/verifier.html",
        is_staff=is_staff,
        me=me(),
        label_of=label_of,
        people=[
            (one, workers.figures(one.qualification, now=now, known_until=until)) for one in people
        ],
        alerts=[one for one in people if one.qualification.status is QualificationStatus.PAUSED],
        depths=workers.depths(_skills(people), now=now),
        appeals=workers.appeals(organization_id=scope, viewer=me()),
        may_resume=lambda skill: is_staff or _lead_may_lift(skill),
        why=PAUSES,
    )


@blueprint.post("/shift/<qualification_id>/pause")
@requires(Permission.VERIFIER_MANAGE)
@again_with_errors(lambda qualification_id: shift())  # noqa: ARG005  # the page takes no id
def pause(qualification_id: str) -> ResponseReturnValue:
    oversight.pause(**_decision(qualification_id))
    return see_other("verification.shift", toast=_("Paused. No more calls are given out."))


@blueprint.post("/shift/<qualification_id>/resume")
@requires(Permission.VERIFIER_MANAGE)
@again_with_errors(lambda qualification_id: shift())  # noqa: ARG005  # as above
def resume(qualification_id: str) -> ResponseReturnValue:
    oversight.resume(**_decision(qualification_id))
    return see_other("verification.shift", toast=_("They get calls again."))


@blueprint.post("/shift/<qualification_id>/retrain")
@requires(Permission.VERIFIER_MANAGE)
@again_with_errors(lambda qualification_id: shift())  # noqa: ARG005  # as above
def retrain(qualification_id: str) -> ResponseReturnValue:
    oversight.retrain(**_decision(qualification_id))
    return see_other("verification.shift", toast=_("They begin with the training again."))


@blueprint.post("/appeals/<appeal_id>/decide")
@requires(Permission.GOLD_MANAGE)
@again_with_errors(lambda appeal_id: shift())  # noqa: ARG005  # as above
def decide_appeal(appeal_id: str) -> ResponseReturnValue:
    form = load_form(DecideForm())
    appeals.decide(
        appeal_id=parse_id(appeal_id, Appeal),
        is_upheld=form["decision"] == "upheld",
        reason=form["reason"],
        actor=actor(),
    )
    return see_other("verification.shift", toast=_("The appeal is decided."))


def _decision(qualification_id: str) -> dict[str, Any]:  # Any: arguments of a verb
    return {
        "qualification_id": parse_id(qualification_id, Qualification),
        "reason": load_form(PauseForm())["reason"],
        "actor": actor(),
    }


def _lead_may_lift(skill: Qualification) -> bool:
    return skill.reason not in LIMITS or LIMITS[PauseRule(skill.reason)].lead_may_lift


def _skills(people: list[workers.Skilled]) -> list[tuple[UUID, str]]:
    found = {(one.vertical.id, one.qualification.language) for one in people}
    return sorted(found, key=str)
