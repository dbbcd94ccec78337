"""What a verifier learns before the first call: each outcome and its sound, and practice.

Pure. The people of the training never were: they are the planted texts of the vertical's script.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from exchange.catalog.scripts import Outcome, Script
from exchange.verification.models import OutcomeClass
from exchange.verification.policy import final_class
from exchange.verification.workers import PRACTICE_SIZE


@dataclass(frozen=True, slots=True)
class Lesson:
    """One outcome: its name, what it counts for, and what is heard."""

    code: Outcome
    name: str
    counts_as: OutcomeClass
    example: str


@dataclass(frozen=True, slots=True)
class Card:
    """One practice task: what is heard, and the outcome that is right."""

    said: str
    right: Outcome


def lessons(script: Script) -> list[Lesson]:
    """Every outcome that the script knows, in the order of the keys, with its first example."""
    return [
        Lesson(code, script.outcomes[code], final_class(code), texts[0])
        for code in Outcome
        if code in script.outcomes and (texts := script.planted.get(code))
    ]


def cards(script: Script, *, seed: str) -> list[Card]:
    """The practice tasks of one learner: each outcome once before any comes twice, in any order.

    The same for the same seed. The last text of an outcome is taken, since the first was shown.
    """
    known = [code for code in Outcome if script.planted.get(code)]
    mixed = random.Random(seed)  # noqa: S311  # nosec B311  # an order of exercises, no secret
    picked = [known[i % len(known)] for i in range(PRACTICE_SIZE)] if known else []
    found = [
        Card(script.planted[code][-1 - i // len(known)], code) for i, code in enumerate(picked)
    ]
    mixed.shuffle(found)
    return found
