"""The sources in the public record of a draw: written from the tables, checked from themselves.

A source is a number here: its name is the seller's own business. The map of sources, a byte to each
leaf, is a file beside the leaves; its hash went out with the root, before anybody knew the seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from exchange.verification.draw import first_of_each
from exchange.verification.models import OutcomeClass, SampleStatus
from exchange.verification.source_models import LotSource, LotSourceStatus
from exchange.verification.sources import (
    GROUPS_MAX,
    REST,
    checks_of,
    end_source,
    is_large,
)

Header = Mapping[str, Any]  # Any: a JSON object that anybody may have written
OpenLeaves = Callable[[], Iterable[bytes]]


def write_sources(sources: Sequence[LotSource]) -> list[dict[str, Any]]:  # Any: JSON values
    """The sources of a decided lot, with the checks that each was judged by."""
    return [
        {
            "number": source.number,
            "population": source.population,
            "status": source.status.value,
            "n": source.n,
            "bad": source.bad,
            "drawn": [
                {"leaf": leaf, "outcome": outcome}
                for leaf, outcome in zip(source.leaves, source.outcomes, strict=True)
            ],
        }
        for source in sources
    ]


def check_map(header: Header, numbers: bytes | None) -> str:
    """The map is the one that was published, and names the sources that the rule asks for."""
    if numbers is None:
        return "the map of sources is not at hand"
    if sha256(numbers).hexdigest() != header["source_map"]:
        return "the map of sources has another hash"
    if len(numbers) != header["population"]:
        return f"the map has {len(numbers)} places, not {header['population']}"
    counts, population = Counter(numbers), header["population"]
    given = {source["number"]: source["population"] for source in header["sources"]}
    checked = {number: counts[number] for number in sorted(counts) if number != REST}
    if is_large(counts[REST], population=population):
        checked = {REST: counts[REST], **checked}
    if given != checked:
        return f"the sources to be checked are {checked}, not {given}"
    return _shape_problem(counts, population=population)


def _shape_problem(counts: Counter[int], *, population: int) -> str:
    own = [number for number in sorted(counts) if number != REST]
    sizes = [counts[number] for number in own]
    if own != list(range(1, len(own) + 1)) or sizes != sorted(sizes, reverse=True):
        return "the sources are not numbered from the largest"
    rest = is_large(counts[REST], population=population)
    if not 1 < len(own) + rest <= GROUPS_MAX or not is_large(min(sizes), population=population):
        return "a source is too small, or there are too many or too few"
    return ""


def check_draw(header: Header, leaves: OpenLeaves, numbers: bytes | None) -> str:
    """Each source is judged by its first leads as they are drawn, with the core's answers."""
    if numbers is None:
        return "the map of sources is not at hand"
    wanted = {source["number"]: checks_of(source["population"]) for source in header["sources"]}
    order = first_of_each(
        bytes.fromhex(header["seed"]), leaves(), sources=numbers, n=0, wanted=wanted
    )
    answers = {item["leaf"]: item["outcome"] for item in header["drawn"] if item["outcome"]}
    for source in header["sources"]:
        number, drawn = source["number"], source["drawn"]
        if [item["leaf"] for item in drawn] != order.of_source[number]:
            return f"source {number} is judged by others than its first leads"
        for item in drawn:
            if answers.get(item["leaf"], item["outcome"]) != item["outcome"]:
                return f"leaf {item['leaf']} of source {number} has another answer in the core"
    return ""


def check_quarantine(header: Header) -> str:
    """Each source's counts and end follow from its answers and the lot's decision."""
    decision = SampleStatus(header["decision"]["status"])
    for source in header["sources"]:
        outcomes = [_outcome(item["outcome"]) for item in source["drawn"]]
        status = end_source(outcomes, decision=decision)
        found = {
            "status": status.value,
            "n": sum(outcome is not None for outcome in outcomes),
            "bad": outcomes.count(OutcomeClass.BAD),
        }
        given = {name: source[name] for name in found}
        if found != given:
            return f"source {source['number']} ends in {found}, not {given}"
        if decision is SampleStatus.ACCEPTED and status is LotSourceStatus.LEFT:
            return f"source {source['number']} of an accepted lot was not asked to the end"
    return ""


def _outcome(text: str | None) -> OutcomeClass | None:
    return None if text is None else OutcomeClass(text)
