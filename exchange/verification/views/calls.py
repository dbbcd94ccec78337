"""Pages of a verifier: what waits, the call, own results. Blind to seller, price and result.

Each page works as a plain form; a script only makes it quicker. The contact is shown while the
call is held and never again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, get_timezone, ngettext
from flask_babel import gettext as _

from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.queries import get_definition
from exchange.catalog.scripts import Asked, Outcome
from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.errors import Conflict, Gone, NotFound
from exchange.core.web import again_with_errors, is_fragment, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.verification.models import TaskStatus, Verdict, VerificationTask
from exchange.verification.queries import tasks as questions
from exchange.verification.queries import workers
from exchange.verification.queries.pay import Pace, paces_of
from exchange.verification.schemas import CallForm, DraftForm, SkipForm
from exchange.verification.services import calls, tasks, verdicts
from exchange.verification.services.reports import RIGHT
from exchange.verification.views.blueprint import blueprint, label_of, me
from exchange.verification.words import ASKED, KEYS, PAUSES, SKIPS

PACE: Final = timedelta(days=30)  # the history that a verifier's own pace is taken from
STOPS: Final = "stops_after_each_call"  # a cookie of this browser; without it the next call comes
REMEMBERED: Final = timedelta(days=365)
FIX: Final = "fix-"  # the beginning of a corrected field's name in the form


@blueprint.get("")
@requires(Permission.TASK_WORK)
def start() -> Response:
    now, mine = clock.now(), me()
    found = questions.waiting(verifier_id=mine, organization_id=organization().id, now=now)
    paces = paces_of(mine, since=now - PACE)
    return render(
        "verification/start.html",
        waiting=[_queue(one, now=now, pace=paces.get(one.vertical.id)) for one in found],
        calls=sum(one.calls for one in found),
        held=questions.held_by(mine, now=now),
        promised=questions.promised(mine),
        next_due=None if found else questions.next_due(mine, now=now),
        today=questions.done_since(mine, since=_midnight(now)),
        last=questions.last_verdict(mine, now=now),
        goes_on=_goes_on(),
        paused=workers.paused(mine),
        why=PAUSES,
    )


@blueprint.post("/next")
@requires(Permission.TASK_WORK)
def claim_next() -> ResponseReturnValue:
    return _next(nothing=_("Nothing waits for you just now."))


@blueprint.post("/pace")
@requires(Permission.TASK_WORK)
def choose_pace() -> ResponseReturnValue:
    """Whether the next call follows a result by itself; this browser remembers it."""
    response = see_other("verification.start")
    if request.form.get("goes_on"):
        response.delete_cookie(STOPS)
    else:
        response.set_cookie(STOPS, "yes", max_age=REMEMBERED, httponly=True, samesite="Lax")
    return response


@blueprint.get("/tasks/<task_id>")
@requires(Permission.TASK_WORK)
def task(task_id: str) -> Response:
    mine = questions.get_task(_task_id(task_id), viewer=me())
    try:
        call = calls.open_call(
            task_id=mine.id, language=request.args.get("language", ""), actor=actor()
        )
    except (Conflict, NotFound):
        return _ended(mine)
    except Gone:
        tasks.release(task_id=mine.id, lease_number=mine.lease_number, actor=actor())
        return see_other("verification.start", toast=_("This person was erased meanwhile."))
    now = clock.now()
    return render(
        "verification/tasks/detail.html",
        block="content",
        is_fragment=is_fragment(),
        call=call,
        task=call.task,
        draft=_draft(call.task),
        language=str(get_locale()),
        label=call.definition.label_in(str(get_locale())),
        local_now=now.astimezone(ZoneInfo(call.task.time_zone)),
        is_open=call.hours.is_open(now),
        outcomes=list(Outcome),
        asked=[(one, word, call.line_of(one)) for one, word in ASKED.items()],
        skips=list(SKIPS.items()),
        keys=KEYS,
        today=questions.done_since(me(), since=_midnight(now)),
        last=questions.last_verdict(me(), now=now),
    )


@blueprint.post("/tasks/<task_id>/verdict")
@requires(Permission.TASK_WORK)
@again_with_errors(task)
def submit(task_id: str) -> ResponseReturnValue:
    mine, form = _task_id(task_id), load_form(CallForm())
    verdicts.submit(
        task_id=mine,
        lease_number=form["lease_number"],
        code=form["outcome"],
        note=form["note"],
        corrections=_corrections(),
        answers=_answers(form),
        callback_at=_promised_at(mine, form["callback_at"]),
        sure=form["sure"],
        actor=actor(),
    )
    if not _goes_on():
        return see_other("verification.start", toast=_("Result kept."))
    today = questions.done_since(me(), since=_midnight(clock.now()))
    return _next(
        nothing=ngettext(
            "All done. %(num)s call today, thank you.",
            "All done. %(num)s calls today, thank you.",
            today.calls,
        )
    )


@blueprint.post("/tasks/<task_id>/draft")
@requires(Permission.TASK_WORK)
def save_draft(task_id: str) -> ResponseReturnValue:
    """Keep what is typed so far; the page calls it in the background."""
    _keep(task_id)
    return Response(status=204)


@blueprint.post("/tasks/<task_id>/extend")
@requires(Permission.TASK_WORK)
@again_with_errors(task)
def extend(task_id: str) -> ResponseReturnValue:
    lease_number = _keep(task_id)
    tasks.extend(task_id=_task_id(task_id), lease_number=lease_number, actor=actor())
    return see_other("verification.task", task_id=task_id, toast=_("Yours for 15 more minutes."))


@blueprint.post("/tasks/<task_id>/claim")
@requires(Permission.TASK_WORK)
@again_with_errors(task)
def claim_again(task_id: str) -> ResponseReturnValue:
    """Hold a call again whose time ran out, with what had been typed."""
    questions.get_task(_task_id(task_id), viewer=me())
    again = tasks.claim(
        task_id=_task_id(task_id),
        verifier_id=me(),
        organization_id=organization().id,
        actor=actor(),
    )
    if request.form.get("outcome") or request.form.get("note"):
        _keep(task_id, lease_number=again.lease_number)
    return see_other("verification.task", task_id=task_id)


@blueprint.post("/tasks/<task_id>/skip")
@requires(Permission.TASK_WORK)
@again_with_errors(task)
def skip(task_id: str) -> ResponseReturnValue:
    form = load_form(SkipForm())
    tasks.release(task_id=_task_id(task_id), actor=actor(), **form)
    return _next(nothing=_("Skipped. Nothing else waits for you just now."))


@blueprint.post("/tasks/<task_id>/release")
@requires(Permission.TASK_WORK)
@again_with_errors(task)
def release(task_id: str) -> ResponseReturnValue:
    """A break: the call goes back, what was typed stays with it."""
    lease_number = _keep(task_id)
    tasks.release(task_id=_task_id(task_id), lease_number=lease_number, actor=actor())
    return see_other("verification.start", toast=_("The call is given back. Enjoy your break."))


@blueprint.post("/verdicts/<verdict_id>/undo")
@requires(Permission.TASK_WORK)
@again_with_errors(lambda verdict_id: start())  # noqa: ARG005  # the page takes no id
def undo(verdict_id: str) -> ResponseReturnValue:
    back = verdicts.undo(verdict_id=parse_id(verdict_id, Verdict), actor=actor())
    return see_other(
        "verification.task", task_id=back.public_id, toast=_("Undone. The call is yours again.")
    )


@blueprint.get("/results")
@requires(Permission.TASK_WORK)
def results() -> Response:
    now, mine = clock.now(), me()
    midnight = _midnight(now)
    return render(
        "verification/results/index.html",
        block="results",
        page=questions.verdicts(mine, cursor=request.args.get("cursor")),
        today=questions.done_since(mine, since=midnight),
        week=questions.done_since(mine, since=midnight - timedelta(days=midnight.weekday())),
        skills=workers.figures_of(mine, now=now),
        label_of=label_of,
        disagreements=workers.disagreements(mine, until=workers.shown_until(now)),
        why=PAUSES,
    )


def _next(*, nothing: str) -> ResponseReturnValue:
    """Lead on to the next call, or home where nothing waits."""
    found = tasks.claim_next(verifier_id=me(), organization_id=organization().id, actor=actor())
    if found is None:
        return see_other("verification.start", toast=nothing)
    if not is_fragment():
        return see_other("verification.task", task_id=found.public_id)
    # The answer to a result is the next call: it is claimed and opened once, and on screen at once.
    page = make_response(task(found.public_id))
    page.headers["HX-Push-Url"] = url_for("verification.task", task_id=found.public_id)
    return page


def _goes_on() -> bool:
    return STOPS not in request.cookies


def _ended(mine: VerificationTask) -> Response:
    """What is left of a call that is no longer held: the typed text, never the contact."""
    return render(
        "verification/tasks/ended.html",
        block="content",
        task=mine,
        draft=_draft(mine),
        is_waiting=_is_waiting(mine),
        last=questions.last_verdict(me(), now=clock.now()),
    )


def _is_waiting(mine: VerificationTask) -> bool:
    """Whether it can be taken again; what somebody has answered is done, for them."""
    is_open = mine.status in {TaskStatus.QUEUED, TaskStatus.CLAIMED}
    return is_open and not questions.has_answered(mine.id, verifier_id=me())


def _keep(task_id: str, *, lease_number: int | None = None) -> int:
    """Keep what the form holds as the task's draft; returns the lease it came with."""
    form = load_form(DraftForm())
    sent: int = form.pop("lease_number")
    tasks.save_draft(
        task_id=_task_id(task_id),
        lease_number=lease_number or sent,
        draft={
            "outcome": form["outcome"],
            "note": form["note"],
            "callback_at": form["callback_at"],
            "answers": _answers(form),
            "corrections": _corrections(),
        },
        actor=actor(),
    )
    return sent


def _draft(task: VerificationTask) -> dict[str, Any]:  # Any: JSON values
    """What this verifier typed; another's text is not shown."""
    return task.draft if task.draft.get("by") == str(me()) else {}


def _corrections() -> dict[str, str]:
    sent = request.form.items()
    return {
        name.removeprefix(FIX): value.strip()
        for name, value in sent
        if name.startswith(FIX) and value.strip()
    }


def _answers(form: dict[str, Any]) -> dict[str, str]:  # Any: as loaded
    names = (*(asked.value for asked in Asked), RIGHT)
    return {name: form[name] for name in names if form[name]}


def _promised_at(task_id: UUID, typed: datetime | None) -> datetime | None:
    """A time by the person's clock as a moment."""
    if typed is None:
        return None
    zone = ZoneInfo(questions.get_task(task_id, viewer=me()).time_zone)
    return typed.replace(tzinfo=zone).astimezone(UTC)


def _queue(
    one: questions.Waiting, *, now: datetime, pace: Pace | None
) -> dict[str, Any]:  # Any: for the template
    definition: VerticalDefinition = get_definition(one.vertical)
    hours = tasks.hours_at(one.vertical, time_zone=one.vertical.time_zone)
    return {
        "label": definition.label_in(str(get_locale())),
        "language": one.vertical.language,
        "country": one.vertical.country,
        "calls": one.calls,
        "pay_per_verdict": definition.pay_per_verdict,
        "pay_per_attempt": definition.pay_per_attempt,
        "pace": pace,
        "oldest": one.oldest,
        "is_open": hours.is_open(now),
        "opens_at": hours.next_open(now),
    }


def _midnight(now: datetime) -> datetime:
    """The beginning of the verifier's own day."""
    local = now.astimezone(get_timezone())
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _task_id(text: str) -> UUID:
    return parse_id(text, VerificationTask)
