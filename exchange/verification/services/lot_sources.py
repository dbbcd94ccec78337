"""Verbs of a lot's sources: fixed with its root, called beside its core, judged at its decision.

A source's checks are the first of its leads in the order of the draw. Those that the core calls too
are asked once, as part of the sample; the others are extra. The lot waits for them: nothing of it
is on sale before each of its sources was heard.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from itertools import zip_longest
from uuid import UUID

from exchange.core.actors import Actor
from exchange.core.db import db
from exchange.core.states import transition
from exchange.leads import queries as leads
from exchange.leads.models import Batch, Lead
from exchange.leads.services import batches
from exchange.verification import queries
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
)
from exchange.verification.source_models import LotSource, LotSourceStatus, SourceMap
from exchange.verification.sources import REST, end_source, groups_of, judge_source, large_from

Asked = Mapping[int, Inspection]  # by the place of the leaf


def fix(batch: Batch) -> str | None:
    """Fix which lead is of which source, before anybody knows the seed.

    The hash of the map, in hexadecimal, which goes out with the root; None in a lot of one source.
    """
    assert batch.population is not None
    counts = leads.count_sub_sources(batch.id, at_least=large_from(batch.population))
    groups = groups_of(counts, population=batch.population)
    if not groups:
        return None
    numbers = {group.name: group.number for group in groups if group.name is not None}
    mapped = bytes(numbers.get(name, REST) for name in leads.sub_sources(batch.id))
    found = SourceMap(batch_id=batch.id, sha256=sha256(mapped).digest(), numbers=mapped)
    db.session.add(found)
    db.session.add_all(
        LotSource(
            batch_id=batch.id, number=group.number, name=group.name, population=group.population
        )
        for group in groups
    )
    db.session.flush()
    return found.sha256.hex()


def open_checks(
    sample: Sample, *, drawn: Mapping[int, Sequence[int]], people: Mapping[int, Lead]
) -> None:
    """Write down whom each source is judged by; `drawn` gives the places of their leaves."""
    of_core, sources = _asked(sample), queries.lot_sources(sample.batch_id)
    for source in sources:
        source.leaves = list(drawn[source.number])
    extra = [place for place in _in_turn(sources) if place not in of_core]
    db.session.add_all(
        Inspection(
            purpose=InspectionPurpose.SOURCE,
            ref_kind=Sample.KIND,
            ref_id=sample.id,
            lead_id=people[place].id,
            organization_id=sample.organization_id,
            vertical_id=sample.vertical_id,
            position=position,  # behind everybody of the core
            leaf_index=place,
        )
        for position, place in enumerate(extra, start=len(of_core) + 1)
    )
    db.session.flush()


def are_open(sample: Sample) -> bool:
    """Whether a source of the lot is not heard yet."""
    asked = _asked(sample)
    return any(_is_open(source, asked) for source in queries.lot_sources(sample.batch_id))


def next_calls(
    sample: Sample, *, waiting: Collection[UUID], at_once: int | None
) -> list[Inspection]:
    """Who is to be called next for the sources, in turn and in the order of the draw.

    `waiting` are the inspections that have been called for; with those that are still open at most
    `at_once` people are asked at one time (decision 8), or everybody.
    """
    sources = queries.lot_sources(sample.batch_id)
    if not sources:
        return []
    asked = _asked(sample)
    places = _in_turn([source for source in sources if _is_open(source, asked)])
    wanted = [asked[place] for place in places if _is_uncalled(asked[place], waiting)]
    if at_once is None:
        return wanted
    under_way = [i for i in asked.values() if i.id in waiting and _is_unanswered(i)]
    return wanted[: max(0, at_once - len(under_way))]


def conclude(sample: Sample, *, decision: SampleStatus, actor: Actor) -> None:
    """Judge the sources with their lot; what of a bad one is not known to be good leaves the sale.

    Its seller has it inspected whole or withdraws it; the rest of the lot goes its way.
    """
    asked, sources = _asked(sample), queries.lot_sources(sample.batch_id)
    for source in sources:
        outcomes = [asked[place].outcome for place in source.leaves]
        status = end_source(outcomes, decision=decision)
        source.outcomes = [outcome and outcome.value for outcome in outcomes]
        source.n = sum(outcome is not None for outcome in outcomes)
        source.bad = sum(outcome is OutcomeClass.BAD for outcome in outcomes)
        transition(source, status, actor=actor, n=source.n, bad=source.bad)
        if status is LotSourceStatus.QUARANTINED:
            named = [other.name for other in sources if other.name is not None]
            batches.quarantine_sub_source(
                batch_id=sample.batch_id, name=source.name, named=named, actor=actor
            )


def _in_turn(sources: Sequence[LotSource]) -> list[int]:
    """The places of the sources' checks: the first of each, then the second of each, and so on."""
    turns = zip_longest(*(source.leaves for source in sources))
    return [place for turn in turns for place in turn if place is not None]


def _asked(sample: Sample) -> Asked:
    found = queries.asked_for(sample.id)
    return {i.leaf_index: i for i in found if i.leaf_index is not None}


def _is_open(source: LotSource, asked: Asked) -> bool:
    found = judge_source([asked[place].outcome for place in source.leaves])
    return found is LotSourceStatus.OPEN


def _is_uncalled(inspection: Inspection, waiting: Collection[UUID]) -> bool:
    return inspection.id not in waiting and _is_unanswered(inspection)


def _is_unanswered(inspection: Inspection) -> bool:
    return inspection.status is InspectionStatus.OPEN
