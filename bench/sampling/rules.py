"""Rules of the house that the simulation asks for beside the plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

CHECKS: Final = 12
EXAM_SIZE: Final = 20


def source_places(sources: Sequence[int], *, of: int) -> set[int]:
    """The places, from 1, of the leads by whom each of the lot's `of` equal sources is judged."""
    if of == 1:
        return set()
    return {
        place
        for number in range(of)
        for place in [n for n, source in enumerate(sources, start=1) if source == number][:CHECKS]
    }


def gold_rate(answered: int) -> float:
    """The share of known calls."""
    return next((r for limit, r in ((60, 0.1), (200, 0.05)) if answered + EXAM_SIZE < limit), 0.02)


def gold_share(calls: int) -> float:
    """Known calls per real one for a verifier who stays for so many first calls."""
    gold = 0.0
    for _ in range(calls):
        gold += gold_rate(int(gold))
    return (gold + EXAM_SIZE) / calls
