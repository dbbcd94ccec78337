"""What follows a call: conclude, try again, or ask another verifier (decisions 33 and 34).

Pure: the time, the calling hours and what was said before are passed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from exchange.catalog.calling import AttemptsPolicy, CallingHours
from exchange.catalog.scripts import OUTCOME_CLASS, Outcome
from exchange.catalog.scripts import OutcomeClass as Meaning
from exchange.verification.models import OutcomeClass

# Legal calling time between two attempts: another part of the day.
RETRY_AFTER: Final = timedelta(hours=4)
# Nobody is called on a sandbox or a demo: there is no number to dial, the card on the screen
# speaks. Hours protect people, so none are closed there, and a demo can be shown at night.
ANY_HOUR: Final = CallingHours(days=(((time.min, time.max),),) * 7)

RETRIED: Final = frozenset({Outcome.NOT_REACHED, Outcome.CALL_BACK})
# Outcomes that nobody can find out without talking to somebody.
TALKED: Final = frozenset(
    {
        *(Outcome.CONFIRMED, Outcome.CORRECTED, Outcome.DENIES),
        *(Outcome.WRONG_PERSON, Outcome.CALL_BACK, Outcome.DO_NOT_CALL),
    }
)
TALK_SECONDS_MIN: Final = 5
NOTE_LENGTH_MAX: Final = 1_000  # characters


class Move(StrEnum):
    CONCLUDE = "conclude"
    TRY_AGAIN = "try_again"
    ASK_ANOTHER = "ask_another"  # verifier


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to the inspection, and what the verdict counts for; None: not final."""

    move: Move
    outcome: OutcomeClass | None


def next_step(
    code: Outcome,
    *,
    earlier: Sequence[OutcomeClass],
    verdicts_needed: int,
    is_last_attempt: bool,
) -> Step:
    """The step after a verdict; `earlier` are the final verdicts of other verifiers.

    Of several verdicts the majority counts, so two that agree settle what needs two or three.
    """
    if code in RETRIED and not is_last_attempt:
        return Step(Move.TRY_AGAIN, None)
    if code is Outcome.CANNOT_JUDGE and OutcomeClass.OPEN not in earlier:
        return Step(Move.ASK_ANOTHER, OutcomeClass.OPEN)
    outcome = final_class(code)
    agreeing = sum(other is outcome for other in earlier) + 1
    if outcome is OutcomeClass.OPEN or agreeing > verdicts_needed // 2:
        return Step(Move.CONCLUDE, outcome)
    return Step(Move.ASK_ANOTHER, outcome)


def final_class(code: Outcome) -> OutcomeClass:
    """What an outcome means once no further call follows; a call-back is open then."""
    meaning = OUTCOME_CLASS[code]
    return OutcomeClass.OPEN if meaning is Meaning.NOT_FINAL else OutcomeClass(meaning.value)


def is_last_attempt(
    made: int, *, first_at: datetime, now: datetime, policy: AttemptsPolicy, hours: LocalHours
) -> bool:
    """Whether a look has to be decided after this attempt, the `made`-th.

    It is the last one allowed, or the time for them is over, counted in legal calling hours from
    the first one: a queue that nobody works on never closes a case.
    """
    if made >= policy.decision_attempts:
        return True
    over = hours.after(first_at, timedelta(hours=policy.decision_hours))
    return over is None or now >= over


@dataclass(frozen=True, slots=True)
class LocalHours:
    """Calling hours where the person is."""

    hours: CallingHours
    time_zone: str

    def is_open(self, moment: datetime) -> bool:
        """Whether the person may be called at this moment."""
        return self.hours.is_open(moment, time_zone=self.time_zone)

    def next_open(self, moment: datetime) -> datetime | None:
        """The first moment from now on at which the person may be called."""
        return self.hours.next_open(moment, time_zone=self.time_zone)

    def after(self, moment: datetime, span: timedelta) -> datetime | None:
        """When so much legal calling time will have passed."""
        return self.hours.after_open_time(moment, span, time_zone=self.time_zone)

    def day(self, moment: datetime) -> datetime:
        """Midnight at the beginning of the person's day."""
        local = moment.astimezone(ZoneInfo(self.time_zone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    def retry_at(self, now: datetime, *, calls_today: int, per_day_max: int) -> datetime:
        """When to try again: hours later, and on another day once today has had its calls."""
        moment = self.after(now, RETRY_AFTER) or now + RETRY_AFTER
        if calls_today >= per_day_max and self.day(moment) == self.day(now):
            moment = self.day(now) + timedelta(days=1)
        return self.next_open(moment) or moment
