"""Rules of the house beside the plans: who is called for a source, how often a call is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from exchange.verification.sources import groups_of
from exchange.verification.workers import EXAM_SIZE, gold_rate


def source_places(sources: Sequence[str]) -> set[int]:
    """The places, from 1, of those by whom a lot's sources are judged.

    `sources` names the source of every lead of the lot in the order of the draw.
    """
    groups = groups_of(Counter(sources), population=len(sources))
    own = {group.name for group in groups}
    places: dict[str | None, list[int]] = {group.name: [] for group in groups}
    for place, name in enumerate(sources, start=1):
        group = name if name in own else None
        if group in places:
            places[group].append(place)
    return {place for group in groups for place in places[group.name][: group.checks]}


def gold_share(calls: int) -> float:
    """Known calls per real one for a verifier who stays for so many first calls, with the exam."""
    gold = 0.0
    for _ in range(calls):
        gold += gold_rate(int(gold))
    return (gold + EXAM_SIZE) / calls
