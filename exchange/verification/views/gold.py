"""Pages of the operator: the calls whose answer is known."""

from __future__ import annotations

from random import SystemRandom
from typing import Final

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.clock import InstanceKind
from exchange.core.db import parse_id
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, requires
from exchange.identity.permissions import Permission
from exchange.leads.models import Lead
from exchange.verification.gold_models import GoldCase, GoldCaseStatus
from exchange.verification.models import OutcomeClass
from exchange.verification.queries import gold_stock as queries
from exchange.verification.schemas import CaseForm, ConfirmForm, PauseForm
from exchange.verification.services import gold_cases
from exchange.verification.views.blueprint import blueprint, label_of
from exchange.verification.workers import EXAM_SIZE

PLANTED: Final = 40
# What a test identity needs is typed; when and how it agreed is the house's own.
NOT_TYPED: Final = {"requested_at", "consent_at", "consent_text", "consent_quality_check"}


@blueprint.get("/gold")
@requires(Permission.GOLD_MANAGE)
def gold() -> Response:
    """All cases of a vertical, how many are left, and what could become one."""
    offered = catalog.verticals()
    vertical = next((v for v in offered if v.code == request.args.get("vertical")), None)
    vertical = vertical or (offered[0] if offered else None)
    found = queries.cases(vertical.id) if vertical else []
    active = [one.case for one in found if one.case.status is GoldCaseStatus.ACTIVE]
    return render(
        "verification/gold/index.html",
        verticals=[(v, label_of(v)) for v in offered],
        vertical=vertical,
        cases=found,
        bad=sum(case.truth is OutcomeClass.BAD for case in active),
        good=sum(case.truth is OutcomeClass.GOOD for case in active),
        candidates=queries.candidates(vertical.id, now=clock.now()) if vertical else [],
        exam_size=EXAM_SIZE,
        planted=PLANTED,
        is_live=clock.instance_kind() is InstanceKind.LIVE,
    )


@blueprint.get("/gold/<code>/new")
@requires(Permission.GOLD_MANAGE)
def new_case(code: str) -> Response:
    """The form of a test identity: the fields of the vertical, and how it answers."""
    vertical = catalog.get_vertical(code)
    fields = catalog.get_definition(vertical).fields.specs
    return render(
        "verification/gold/new.html",
        vertical=vertical,
        label=label_of(vertical),
        specs=[spec for spec in fields if spec.name not in NOT_TYPED],
        language=str(get_locale()),
        answers=[answer.value for answer in (*gold_cases.GOOD, *gold_cases.BAD)],
    )


@blueprint.post("/gold/<code>/new")
@requires(Permission.GOLD_MANAGE)
@again_with_errors(new_case)
def add_case(code: str) -> ResponseReturnValue:
    vertical, form = catalog.get_vertical(code), load_form(CaseForm())
    gold_cases.seed(
        vertical_id=vertical.id,
        values={name: value.strip() for name, value in request.form.items()},
        code=form["outcome"],
        actor=actor(),
    )
    return see_other("verification.gold", vertical=code, toast=_("The test identity is added."))


@blueprint.post("/gold/<code>/confirm")
@requires(Permission.GOLD_MANAGE)
@again_with_errors(lambda code: gold())  # noqa: ARG005  # the page reads the address
def confirm_case(code: str) -> ResponseReturnValue:
    lead_id = parse_id(load_form(ConfirmForm())["lead"], Lead)
    vertical = catalog.get_vertical(code)
    gold_cases.confirm(lead_id=lead_id, vertical_id=vertical.id, actor=actor())
    return see_other("verification.gold", vertical=code, toast=_("Added to the known answers."))


@blueprint.post("/gold/<code>/plant")
@requires(Permission.GOLD_MANAGE)
@again_with_errors(lambda code: gold())  # noqa: ARG005  # as above
def plant_cases(code: str) -> ResponseReturnValue:
    vertical = catalog.get_vertical(code)
    gold_cases.plant(vertical_id=vertical.id, count=PLANTED, random=SystemRandom(), actor=actor())
    return see_other("verification.gold", vertical=code, toast=_("Invented people are added."))


@blueprint.post("/gold/cases/<case_id>/retire")
@requires(Permission.GOLD_MANAGE)
@again_with_errors(lambda case_id: gold())  # noqa: ARG005  # as above
def retire_case(case_id: str) -> ResponseReturnValue:
    case = gold_cases.retire(
        case_id=parse_id(case_id, GoldCase),
        reason=load_form(PauseForm())["reason"],
        actor=actor(),
    )
    code = next(v.code for v in catalog.verticals(with_paused=True) if v.id == case.vertical_id)
    return see_other("verification.gold", vertical=code, toast=_("It is given to nobody any more."))
