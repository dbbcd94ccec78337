"""What a verifier reports of a call, and whether it can be so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from exchange.catalog import queries as catalog
from exchange.catalog.calling import AttemptsPolicy
from exchange.catalog.models import Vertical
from exchange.catalog.scripts import Outcome, Right
from exchange.core import clock
from exchange.core.db import get
from exchange.core.errors import FieldProblem, Invalid
from exchange.verification.facts import correction_problems
from exchange.verification.models import VerificationTask
from exchange.verification.policy import NOTE_LENGTH_MAX, TALK_SECONDS_MIN, TALKED

RIGHT: Final = "right"  # the key of an answer that starts one of the person's rights


@dataclass(frozen=True, slots=True)
class Found:
    """What a verifier reports of one call."""

    code: Outcome
    note: str = ""
    corrections: Mapping[str, str] = field(default_factory=dict)  # field: how it really is
    answers: Mapping[str, str] = field(default_factory=dict)  # what the script asks, and a right
    callback_at: datetime | None = None

    def draft(self) -> dict[str, Any]:  # Any: JSON values
        """The same as it is kept with a task."""
        return {
            "outcome": self.code.value,
            "note": self.note,
            "corrections": dict(self.corrections),
            "answers": dict(self.answers),
            "callback_at": self.callback_at and self.callback_at.isoformat(),
        }


def require_sense(task: VerificationTask, found: Found, *, sure: bool) -> None:
    """Raises Invalid with every field that is wrong; `too_fast` unless the verifier is `sure`."""
    problems = [
        *_callback_problems(
            found, policy=catalog.get_terms(get(Vertical, task.vertical_id)).attempts
        ),
        *_answer_problems(task, found),
    ]
    if found.corrections:
        definition = catalog.get_definition(get(Vertical, task.vertical_id))
        problems += correction_problems(definition, found.corrections)
    if len(found.note) > NOTE_LENGTH_MAX:
        text = f"A note has at most {NOTE_LENGTH_MAX} characters."
        problems.append(FieldProblem("/note", "too_long", text))
    if found.code is Outcome.CORRECTED and not (found.corrections or found.note):
        text = "Say what differs: correct a field or write a note."
        problems.append(FieldProblem("/corrections", "required", text))
    if found.code in TALKED and not sure and seconds_of(task) < TALK_SECONDS_MIN:
        text = "That took less than five seconds. Submit again if you really talked to somebody."
        problems.append(FieldProblem("/sure", "too_fast", text))
    if problems:
        raise Invalid(errors=tuple(problems))


def _callback_problems(found: Found, *, policy: AttemptsPolicy) -> list[FieldProblem]:
    if found.code is not Outcome.CALL_BACK:
        return []
    now = clock.after_lock()
    if found.callback_at is None:
        text = "Say when the person wants to be called."
        return [FieldProblem("/callback_at", "required", text)]
    if not now < found.callback_at <= now + timedelta(days=policy.days_max):
        text = f"Promise a time from now on, within {policy.days_max} days."
        return [FieldProblem("/callback_at", "value_not_allowed", text)]
    return []


def _answer_problems(task: VerificationTask, found: Found) -> list[FieldProblem]:
    """Answers must be those of the script; the rights of the person are in every one."""
    if not found.answers:
        return []
    script = catalog.get_script(get(Vertical, task.vertical_id)).script
    allowed = {
        line.asks.value: {answer.key for answer in line.answers}
        for line in script.lines
        if line.asks
    }
    allowed[RIGHT] = {right.value for right in Right}
    return [
        FieldProblem(f"/answers/{name}", "value_not_allowed", "Choose one of the answers.")
        for name, value in found.answers.items()
        if value not in allowed.get(name, ())
    ]


def seconds_of(task: VerificationTask) -> int:
    """How long the call has lasted, from its claim to now."""
    assert task.claimed_at is not None
    return max(0, int((clock.after_lock() - task.claimed_at).total_seconds()))
