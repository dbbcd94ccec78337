"""Pages on which a verifier learns, sits the exam, and appeals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.catalog.scripts import Outcome, Script
from exchange.core.db import get, parse_id
from exchange.core.errors import NotFound
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.verification import training as lessons
from exchange.verification.models import Verdict
from exchange.verification.queries import gold, workers
from exchange.verification.schemas import AppealForm, PracticeForm
from exchange.verification.services import appeals, exams, qualifications, tasks
from exchange.verification.views import calls
from exchange.verification.views.blueprint import blueprint, label_of, me
from exchange.verification.words import PAUSES
from exchange.verification.worker_models import Qualification
from exchange.verification.workers import (
    EXAM,
    EXAM_SIZE,
    PRACTICE_SIZE,
    RETAKE_AFTER,
    exam_chance,
)


@blueprint.get("/training")
@requires(Permission.TASK_WORK)
def training() -> Response:
    skills = workers.qualifications_of(me())
    return render(
        "verification/training/index.html",
        offers=[
            (vertical, label_of(vertical), skills.get((vertical.id, vertical.language)))
            for vertical in catalog.verticals()
        ],
        practice_size=PRACTICE_SIZE,
        why=PAUSES,
    )


@blueprint.get("/training/<code>")
@requires(Permission.TASK_WORK)
def lesson(code: str) -> Response:
    """What to know of a vertical, how far one is, and what the exam asks."""
    vertical = catalog.get_vertical(code)
    skill = workers.qualifications_of(me()).get((vertical.id, vertical.language))
    script = _script(vertical)
    return render(
        "verification/training/detail.html",
        vertical=vertical,
        label=label_of(vertical),
        script=script,
        lessons=lessons.lessons(script),
        skill=skill,
        exam=gold.last_exam(skill.id) if skill else None,
        retake_at=exams.retake_at(skill) if skill else None,
        **_exam_facts(),
        why=PAUSES,
    )


@blueprint.post("/training/<code>/begin")
@requires(Permission.TASK_WORK)
@again_with_errors(lesson)
def begin_training(code: str) -> ResponseReturnValue:
    vertical = catalog.get_vertical(code)
    skill = qualifications.begin(
        verifier_id=me(), vertical_id=vertical.id, language=vertical.language, actor=actor()
    )
    number = min(skill.practised + 1, PRACTICE_SIZE)
    return see_other("verification.practice", qualification_id=skill.public_id, number=number)


@blueprint.get("/training/<qualification_id>/practice/<int:number>")
@requires(Permission.TASK_WORK)
def practice(qualification_id: str, number: int) -> Response:
    """One practice task; with an answer in the address, whether it was right and why."""
    skill = _own(qualification_id)
    vertical = get(Vertical, skill.vertical_id)
    script = _script(vertical)
    card = _card(skill, script, number)
    answer = next((code for code in Outcome if code == request.args.get("answer")), None)
    return render(
        "verification/training/practice.html",
        skill=skill,
        vertical=vertical,
        label=label_of(vertical),
        script=script,
        card=card,
        lesson=next(one for one in lessons.lessons(script) if one.code is card.right),
        number=number,
        answer=answer,
        outcomes=[code.value for code in Outcome if code in script.outcomes],
        practice_size=PRACTICE_SIZE,
    )


@blueprint.post("/training/<qualification_id>/practice/<int:number>")
@requires(Permission.TASK_WORK)
@again_with_errors(practice)
def practise(qualification_id: str, number: int) -> ResponseReturnValue:
    skill = _own(qualification_id)
    _card(skill, _script(get(Vertical, skill.vertical_id)), number)
    answer = load_form(PracticeForm())["outcome"]
    exams.practise(qualification_id=skill.id, number=number, verifier_id=me())
    return see_other(
        "verification.practice",
        qualification_id=skill.public_id,
        number=number,
        answer=answer.value,
    )


@blueprint.post("/training/<code>/exam")
@requires(Permission.TASK_WORK)
@again_with_errors(lesson)
def sit_exam(code: str) -> ResponseReturnValue:
    """Begin or go on; the exam is worked on the page of any call."""
    vertical = catalog.get_vertical(code)
    skill = workers.qualifications_of(me()).get((vertical.id, vertical.language))
    if skill is None:
        raise NotFound
    exams.begin(qualification_id=skill.id, verifier_id=me(), actor=actor())
    found = tasks.claim_next(verifier_id=me(), organization_id=organization().id, actor=actor())
    if found is None:
        toast = _("No call of the exam can be made just now. Come back in calling hours.")
        return see_other("verification.lesson", code=code, toast=toast)
    return see_other("verification.task", task_id=found.public_id)


@blueprint.post("/verdicts/<verdict_id>/appeal")
@requires(Permission.TASK_WORK)
@again_with_errors(lambda verdict_id: calls.results())  # noqa: ARG005  # the page takes no id
def appeal(verdict_id: str) -> ResponseReturnValue:
    appeals.appeal(
        verdict_id=parse_id(verdict_id, Verdict),
        text=load_form(AppealForm())["text"],
        verifier_id=me(),
        actor=actor(),
    )
    return see_other("verification.results", toast=_("Your appeal is with the operator."))


def _exam_facts() -> dict[str, Any]:  # Any: for the template
    """What is said before the exam: its size, its pass mark and what chance has to do with it."""
    return {
        "exam_size": EXAM_SIZE,
        "practice_size": PRACTICE_SIZE,
        "errors_allowed": EXAM.accept[0],
        "chance_of_careful": exam_chance(0.01),
        "chance_of_careless": exam_chance(0.15),
        "retake_days": RETAKE_AFTER.days,
    }


def _card(skill: Qualification, script: Script, number: int) -> lessons.Card:
    """The practice task of this number; one may go back, and on by one. Raises NotFound."""
    if not 1 <= number <= min(skill.practised + 1, PRACTICE_SIZE):
        raise NotFound
    return lessons.cards(script, seed=str(skill.id))[number - 1]


def _own(qualification_id: str) -> Qualification:
    return workers.get_qualification(_id(qualification_id), viewer=me())


def _id(text: str) -> UUID:
    return parse_id(text, Qualification)


def _script(vertical: Vertical) -> Script:
    """In the vertical's own language: it is the one that is called in."""
    return catalog.get_definition(vertical).script_in("")
