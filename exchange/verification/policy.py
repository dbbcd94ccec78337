"""What follows a call: conclude, try again, or ask another verifier (decisions 33 and 34).

Pure: the time, the calling hours and what was said before are passed in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from exchange.catalog.calling import AttemptsPolicy, CallingHours
from exchange.catalog.scripts import OUTCOME_CLASS, Outcome
from exchange.catalog.scripts import OutcomeClass as Meaning
from exchange.verification.models import InspectionPurpose, OutcomeClass

# Legal calling time between two attempts: another part of the day.
RETRY_AFTER: Final = timedelta(hours=4)
# Somebody who was reached an hour ago and found bad is likely to answer again soon; the look waits.
CONFIRM_AFTER: Final = timedelta(hours=1)
CONFIRM_ATTEMPTS: Final = 2
# Nobody is called on a sandbox or a demo: there is no number to dial, the card on the screen
# speaks. Hours protect people, so none are closed there, and a demo can be shown at night.
PARTS: Final = (time.min, time(12), time(16))  # when morning, midday and late afternoon begin
ANY_HOUR: Final = CallingHours(days=(((time.min, time.max),),) * 7)

RETRIED: Final = frozenset({Outcome.NOT_REACHED, Outcome.CALL_BACK})
# Outcomes that nobody can find out without talking to somebody.
TALKED: Final = frozenset(
    {
        *(Outcome.CONFIRMED, Outcome.CORRECTED, Outcome.DENIES),
        *(Outcome.WRONG_PERSON, Outcome.CALL_BACK, Outcome.DO_NOT_CALL),
    }
)
# Here nobody is called bad by one person alone: of at most three who judge, two have to say so.
CONFIRMED_BY_ANOTHER: Final = frozenset(InspectionPurpose) - {
    InspectionPurpose.RETURN,  # as many as are asked for judge it
    InspectionPurpose.GOLD,  # the truth is known; the answer is the verifier's own
}
DOUBLED: Final = CONFIRMED_BY_ANOTHER - {InspectionPurpose.DOUBLE}
# Attempts at these decide a look; others go on afterwards.
FOLLOWED: Final = frozenset({InspectionPurpose.SAMPLE, InspectionPurpose.SOURCE})
# What was found under the question they refer to counts for them, too.
GO_ON: Final = frozenset({InspectionPurpose.DOUBLE, InspectionPurpose.FOLLOW_UP})
BPS: Final = 10_000
OPINIONS_MAX: Final = 3
AGREEING: Final = 2
TALK_SECONDS_MIN: Final = 5
NOTE_LENGTH_MAX: Final = 1_000  # characters


class Move(StrEnum):
    CONCLUDE = "conclude"
    TRY_AGAIN = "try_again"
    ASK_ANOTHER = "ask_another"  # verifier


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to the inspection, what the verdict counts for, and what is concluded."""

    move: Move
    outcome: OutcomeClass | None  # None: the verdict is not final
    answer: OutcomeClass | None = None  # of the inspection, where it is concluded


def next_step(
    code: Outcome,
    *,
    earlier: Sequence[OutcomeClass],
    verdicts_needed: int,
    is_last_attempt: bool,
    confirms_bad: bool = False,
) -> Step:
    """The step after a verdict; `earlier` is what other verifiers judged, each for themselves.

    Of several opinions the majority counts, so two that agree settle what needs two or three. With
    `confirms_bad` a bad one is settled by two of up to three, and a good one that somebody
    contradicts as well. What three people cannot agree on stays open: it is not bad.
    """
    outcome = final_class(code)
    if code in RETRIED:
        if is_last_attempt:
            return Step(Move.CONCLUDE, outcome, outcome)
        return Step(Move.TRY_AGAIN, None)
    opinions = [*earlier, outcome]
    is_enough = opinions.count(OutcomeClass.OPEN) > 1 or code is Outcome.DO_NOT_CALL
    needed = verdicts_needed // 2 + 1
    if confirms_bad and OutcomeClass.BAD in opinions:
        needed = max(needed, AGREEING)
    if outcome is not OutcomeClass.OPEN and opinions.count(outcome) >= needed:
        return Step(Move.CONCLUDE, outcome, outcome)
    if is_enough or len(opinions) >= OPINIONS_MAX:
        return Step(Move.CONCLUDE, outcome, OutcomeClass.OPEN)
    return Step(Move.ASK_ANOTHER, outcome)


def final_class(code: Outcome) -> OutcomeClass:
    """What an outcome means once no further call follows; a call-back is open then."""
    meaning = OUTCOME_CLASS[code]
    return OutcomeClass.OPEN if meaning is Meaning.NOT_FINAL else OutcomeClass(meaning.value)


def is_last_attempt(
    made: int,
    *,
    first_at: datetime,
    now: datetime,
    policy: AttemptsPolicy,
    hours: LocalHours,
    confirms: bool = False,
) -> bool:
    """Whether a look has to be decided after this attempt, the `made`-th of whoever calls now.

    It is the last one allowed, or the time for them is over, counted in legal calling hours from
    the first one: a queue that nobody works on never closes a case. `confirms`: somebody judged
    before.
    """
    if made >= (CONFIRM_ATTEMPTS if confirms else policy.decision_attempts):
        return True
    over = hours.after(first_at, timedelta(hours=policy.decision_hours))
    return over is None or now >= over


def next_try(
    tried: Sequence[datetime], *, now: datetime, policy: AttemptsPolicy, hours: LocalHours
) -> datetime | None:
    """When to try again under the longer policy; None: as often as it allows, or too late.

    `tried` are the attempts so far, this one included, oldest first. Parts of the day in which
    nobody called yet come first, until enough different ones were tried.
    """
    if len(tried) >= policy.attempts_max:
        return None
    today = sum(moment >= hours.day(now) for moment in tried)
    due = hours.retry_at(now, calls_today=today, per_day_max=policy.per_day_max)
    parts = {hours.part_of_day(moment) for moment in tried}
    if len(parts) < policy.day_parts_min:
        due = hours.in_another_part(due, parts) or due
    return due if due < tried[0] + timedelta(days=policy.days_max) else None


def is_doubled(digest: bytes, *, share_bps: int) -> bool:
    """Whether an answer is checked twice, by a keyed hash of its question: even and repeatable."""
    return int.from_bytes(digest, "big") % BPS < share_bps


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

    def part_of_day(self, moment: datetime) -> int:
        """Morning, midday or late afternoon where the person is: 0, 1 or 2."""
        local = moment.astimezone(ZoneInfo(self.time_zone)).time()
        return sum(local >= begins for begins in PARTS) - 1

    def in_another_part(self, moment: datetime, parts: Collection[int]) -> datetime | None:
        """The first open moment within two days that is in none of these parts of the day."""
        zone, day = ZoneInfo(self.time_zone), self.day(moment).date()
        begins = (
            datetime.combine(day + timedelta(days=ahead), begin, zone)
            for ahead in range(3)
            for begin in PARTS
        )
        for begin in begins:
            found = self.next_open(max(begin, moment))
            if found is not None and self.part_of_day(found) not in parts:
                return found
        return None

    def retry_at(
        self, now: datetime, *, calls_today: int, per_day_max: int, confirms: bool = False
    ) -> datetime:
        """When to try again: hours later, and on another day once today has had its calls."""
        span = CONFIRM_AFTER if confirms else RETRY_AFTER
        moment = self.after(now, span) or now + span
        return self._on_a_free_day(moment, now, calls_today >= per_day_max)

    def ask_another_at(self, now: datetime, *, calls_today: int, per_day_max: int) -> datetime:
        """When another verifier may call: at once, or on another day once today has had its calls.

        Whoever was reached is not called more often in a day than somebody who was not.
        """
        return self._on_a_free_day(now, now, calls_today >= per_day_max)

    def _on_a_free_day(self, moment: datetime, now: datetime, is_full: bool) -> datetime:  # noqa: FBT001  # of today
        if is_full and self.day(moment) == self.day(now):
            moment = self.day(now) + timedelta(days=1)
        return self.next_open(moment) or moment
