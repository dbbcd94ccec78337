"""Call scripts: a short tree of lines to read aloud, whose answers lead on or to an outcome.

A script only preselects an outcome; the verifier decides. Every language has the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Self

from exchange.core.errors import FieldProblem


class Outcome(StrEnum):
    """How a check ends, in the order of the keys 1 to 9."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"  # confirmed, with corrections
    DENIES = "denies"
    WRONG_PERSON = "wrong_person"
    NUMBER_DEAD = "number_dead"
    NOT_REACHED = "not_reached"  # final only after the last attempt
    CALL_BACK = "call_back"
    DO_NOT_CALL = "do_not_call"
    CANNOT_JUDGE = "cannot_judge"


class OutcomeClass(StrEnum):
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"  # neither: published, and judged by the reachability gate
    NOT_FINAL = "not_final"


# Decision 34. A second verifier hears a `cannot_judge` before it stays open.
OUTCOME_CLASS: Final[dict[Outcome, OutcomeClass]] = {
    Outcome.CONFIRMED: OutcomeClass.GOOD,
    Outcome.CORRECTED: OutcomeClass.GOOD,
    Outcome.DENIES: OutcomeClass.BAD,
    Outcome.WRONG_PERSON: OutcomeClass.BAD,
    Outcome.NUMBER_DEAD: OutcomeClass.BAD,
    Outcome.NOT_REACHED: OutcomeClass.OPEN,
    Outcome.CALL_BACK: OutcomeClass.NOT_FINAL,
    Outcome.DO_NOT_CALL: OutcomeClass.OPEN,
    Outcome.CANNOT_JUDGE: OutcomeClass.OPEN,
}


class Right(StrEnum):
    """A right of the person that one key starts during the call."""

    OBJECTION = "objection"
    ERASURE = "erasure"


class Asked(StrEnum):
    """Facts that an answer states; they are kept with the verdict."""

    CALLED_BEFORE = "called_before"  # has anybody called about this? yes, no
    HORIZON = "horizon"  # wants to act: now, week, month, later


ANSWER_KEYS: Final[dict[Asked, frozenset[str]]] = {
    Asked.CALLED_BEFORE: frozenset({"yes", "no"}),
    Asked.HORIZON: frozenset({"now", "week", "month", "later"}),
}

# {source} says in words where the number comes from (site, channel), never who the seller is:
# the verifier is blind to that.
VARIABLES: Final = frozenset({"caller", "exchange", "name", "requested_on", "source"})
_VARIABLE = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person may say: it leads to the next line, to an outcome, or to both."""

    key: str
    label: str
    next: str | None = None
    outcome: Outcome | None = None
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    text: str
    answers: tuple[Answer, ...]  # none: the call ends here
    asks: Asked | None = None


@dataclass(frozen=True)
class Script:
    """One language of a vertical's script; the first line opens the call."""

    language: str
    lines: tuple[Line, ...]
    outcomes: Mapping[Outcome, str]  # what the nine outcomes are called
    planted: Mapping[Outcome, tuple[str, ...]]  # what the person says in a demo (decision 29)

    @cached_property
    def line_by_id(self) -> dict[str, Line]:
        return {line.id: line for line in self.lines}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:  # Any: JSON of the definition's shape
        """Read a script; the shape was checked when the definition was loaded."""
        outcomes, planted = data["outcomes"], data.get("planted", {})
        return cls(
            language=data["language"],
            lines=tuple(_line(line) for line in data["lines"]),
            outcomes={code: outcomes[code] for code in Outcome if code in outcomes},
            planted={code: tuple(planted[code]) for code in Outcome if code in planted},
        )

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form that `from_json` reads."""
        return {
            "language": self.language,
            "lines": [_line_json(line) for line in self.lines],
            "outcomes": {str(code): label for code, label in self.outcomes.items()},
            "planted": {str(code): list(texts) for code, texts in self.planted.items()},
        }

    def shape(self) -> list[tuple[object, ...]]:
        """All but the words: what every translation must share."""
        return [
            (line.id, line.asks, [(a.key, a.next, a.outcome, a.right) for a in line.answers])
            for line in self.lines
        ]


def render(text: str, variables: Mapping[str, str]) -> str:
    """The line as it is read aloud; a variable without a value is shown as a gap."""
    return _VARIABLE.sub(lambda found: variables.get(found[1]) or "…", text)


def _line(data: Mapping[str, Any]) -> Line:  # Any: JSON
    return Line(
        id=data["id"],
        text=data["text"],
        answers=tuple(_answer(answer) for answer in data["answers"]),
        asks=Asked(data["asks"]) if data.get("asks") else None,
    )


def _answer(data: Mapping[str, Any]) -> Answer:  # Any: JSON
    return Answer(
        key=data["key"],
        label=data["label"],
        next=data.get("next"),
        outcome=Outcome(data["outcome"]) if data.get("outcome") else None,
        right=Right(data["right"]) if data.get("right") else None,
    )


def _line_json(line: Line) -> dict[str, Any]:  # Any: JSON
    data = {"id": line.id, "text": line.text, "asks": line.asks and str(line.asks)}
    answers = [
        _filled(
            {
                "key": answer.key,
                "label": answer.label,
                "next": answer.next,
                "outcome": answer.outcome and str(answer.outcome),
                "right": answer.right and str(answer.right),
            }
        )
        for answer in line.answers
    ]
    return {**_filled(data), "answers": answers}


def _filled(data: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in data.items() if value is not None}


def script_problems(
    script: Script, *, variables: frozenset[str], pointer: str
) -> Iterator[FieldProblem]:
    """What is wrong with the tree: loose ends, lines never reached, unknown variables."""
    for i, line in enumerate(script.lines):
        yield from _line_problems(script, line, f"{pointer}/lines/{i}")
        yield from _variable_problems(line.text, variables, f"{pointer}/lines/{i}/text")
    if len(script.line_by_id) < len(script.lines):
        yield FieldProblem(f"{pointer}/lines", "duplicate_line", "Two lines have one id.")
    for line_id in sorted(script.line_by_id.keys() - _reached(script)):
        detail = f"No answer leads to the line {line_id}."
        yield FieldProblem(f"{pointer}/lines", "line_unreachable", detail)
    for line_id in sorted(_without_outcome(script)):
        detail = f"The call may end at {line_id} without an outcome."
        yield FieldProblem(f"{pointer}/lines", "outcome_unset", detail)
    for outcome in Outcome:
        if outcome not in script.outcomes:
            detail = f"The outcome {outcome} has no name."
            yield FieldProblem(f"{pointer}/outcomes", "outcome_missing", detail)


def _variable_problems(
    text: str, variables: frozenset[str], pointer: str
) -> Iterator[FieldProblem]:
    for name in _VARIABLE.findall(text):
        if name not in variables:
            detail = f"{{{name}}} is neither a variable nor a required field."
            yield FieldProblem(pointer, "unknown_variable", detail)


def _line_problems(script: Script, line: Line, pointer: str) -> Iterator[FieldProblem]:
    keys = [answer.key for answer in line.answers]
    if len(set(keys)) < len(keys):
        yield FieldProblem(f"{pointer}/answers", "duplicate_answer", "Two answers have one key.")
    if line.asks and not set(keys) & ANSWER_KEYS[line.asks]:
        detail = f"Answers to {line.asks} are {', '.join(sorted(ANSWER_KEYS[line.asks]))}."
        yield FieldProblem(f"{pointer}/answers", "answer_unknown", detail)
    yield from _answer_problems(script, line, pointer)


def _answer_problems(script: Script, line: Line, pointer: str) -> Iterator[FieldProblem]:
    ids = [each.id for each in script.lines]
    earlier = ids[: ids.index(line.id) + 1]
    for i, answer in enumerate(line.answers):
        if answer.next is None and answer.outcome is None:
            detail = "The answer leads neither to a line nor to an outcome."
            yield FieldProblem(f"{pointer}/answers/{i}", "loose_end", detail)
        elif answer.next in earlier:
            # Forward only: a call never goes in circles.
            detail = "Answers lead to later lines only."
            yield FieldProblem(f"{pointer}/answers/{i}/next", "line_backward", detail)
        elif answer.next is not None and answer.next not in ids:
            detail = f"There is no line {answer.next}."
            yield FieldProblem(f"{pointer}/answers/{i}/next", "line_unknown", detail)


def _reached(script: Script) -> set[str]:
    reached = {line.id for line in script.lines[:1]}
    for line in script.lines:
        if line.id in reached:
            reached |= {answer.next for answer in line.answers if answer.next}
    return reached


def _without_outcome(script: Script) -> set[str]:
    """Last lines to which answers lead that never preselected an outcome."""
    unset = {line.id for line in script.lines[:1]}
    for line in script.lines:
        if line.id in unset:
            unset |= {a.next for a in line.answers if a.next and a.outcome is None}
    return {line.id for line in script.lines if not line.answers and line.id in unset}
