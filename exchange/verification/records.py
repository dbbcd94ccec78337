"""The public record of a draw: written from the tables, checked from itself alone.

Whoever holds the record, the leaves and, of a lot of several sources, their map recomputes
commitment, root, seed, order, looks, decision, the published figures and what became of each
source; nothing else is asked. What it cannot prove is that the answers on the
phone were what they are said to be, which is why the calls of others repeat them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hmac import compare_digest
from itertools import pairwise
from typing import Any, Final

from exchange.leads.models import Batch
from exchange.leads.seal import merkle_root, verify_path
from exchange.verification import source_records
from exchange.verification.draw import commitment, first, seed
from exchange.verification.judging import Judgement, judge, measured_quality, upper_bound
from exchange.verification.models import Draw, Inspection, OutcomeClass, Sample, SampleStatus
from exchange.verification.plans import SamplingPlan, plan_for
from exchange.verification.reachability import Reach, ReachNorm, counts_as_reached
from exchange.verification.source_models import LotSource

Header = Mapping[str, Any]  # Any: a JSON object that anybody may have written
OpenLeaves = Callable[[], Iterable[bytes]]

FORMAT: Final = 1
BOUND_TOLERANCE: Final = 1e-9  # of a published bound


@dataclass(frozen=True, slots=True)
class Check:
    """Whether one piece of the record follows from the others, and what is wrong if not."""

    piece: str
    detail: str  # empty: it agrees

    @property
    def agrees(self) -> bool:
        """Whether the piece is as it must be."""
        return not self.detail


def write_record(
    batch: Batch,
    draw: Draw,
    sample: Sample | None,
    *,
    drawn: Sequence[Inspection],
    quality: Mapping[str, Any] | None,  # Any: JSON values
    source_map: str | None = None,
    sources: Sequence[LotSource] = (),
) -> dict[str, Any]:  # Any: JSON
    """The record of a decided lot; a lot that was not sampled has no plan, seed or sample."""
    assert batch.population is not None
    assert batch.merkle_root is not None
    return {
        "object": "draw_record",
        "format": FORMAT,
        "batch": batch.public_id,
        "quality_class": batch.quality_class.value,
        "population": batch.population,
        "root": batch.merkle_root.hex(),
        "source_map": source_map,
        "plan": sample.plan if sample else None,
        "reach_norm": sample.reach_norm if sample else None,
        "commitment": draw.commitment.hex(),
        "committed_at": iso(draw.created_at),
        "assigned_at": iso(draw.assigned_at),
        "rooted_at": iso(draw.rooted_at),
        "nonce": draw.nonce if sample else None,
        "nonce_by": draw.nonce_by if sample else None,
        "beacon": draw.beacon,
        "secret": draw.secret.hex() if draw.secret else None,
        "seed": draw.seed.hex() if draw.seed else None,
        "drawn_at": iso(draw.drawn_at),
        "drawn": [_drawn(inspection) for inspection in drawn],
        "decision": {
            "status": (sample.status if sample else SampleStatus.ACCEPTED).value,
            "stage": sample.stage if sample else None,
            "decided_at": iso(sample.decided_at if sample else batch.decided_at),
        },
        "quality": quality,
        "sources": source_records.write_sources(sources),
    }


def iso(moment: datetime | None) -> str | None:
    """A moment as the record and the API write it: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat() if moment else None


def _drawn(inspection: Inspection) -> dict[str, Any]:  # Any: JSON values
    """One position; a call that came too late for the decision has no outcome here."""
    outcome = inspection.outcome if inspection.is_counted else None
    return {
        "position": inspection.position,
        "leaf": inspection.leaf_index,
        "outcome": outcome and outcome.value,
        "reached": counts_as_reached(inspection.code) if outcome else None,
    }


def check_record(
    header: Header, leaves: OpenLeaves, *, source_map: bytes | None = None
) -> list[Check]:
    """Recompute every piece from the others; `leaves` gives all leaves in row order each time.

    The map of sources is asked for where the record says that the lot has one.
    """
    pieces = _SAMPLED if header.get("plan") else _NOT_SAMPLED
    found = {name: partial(piece, header, leaves) for name, piece in pieces.items()}
    if header.get("source_map") or header.get("sources"):
        found |= {
            "source_map": partial(source_records.check_map, header, source_map),
            "source_draw": partial(source_records.check_draw, header, leaves, source_map),
            "quarantine": partial(source_records.check_quarantine, header),
        }
    return [Check(name, _asked(piece)) for name, piece in found.items()]


def check_lead(header: Header, proof: Header) -> Check:
    """Whether one lead stood in the lot, from the header and the path to its root alone."""
    return Check("lead", _asked(partial(_lead, header, proof)))


def _asked(piece: Callable[[], str]) -> str:
    try:
        return piece()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return f"it is missing or cannot be read ({type(error).__name__})"


def _commitment(header: Header, _leaves: OpenLeaves) -> str:
    made = commitment(bytes.fromhex(header["secret"]))
    return _unless(made.hex() == header["commitment"], "the secret has another hash")


def _times(header: Header, _leaves: OpenLeaves) -> str:
    names = ("committed_at", "assigned_at", "rooted_at", "drawn_at")
    moments = [datetime.fromisoformat(header[name]) for name in names]
    moments.append(datetime.fromisoformat(header["decision"]["decided_at"]))
    in_order = all(before <= after for before, after in pairwise(moments))
    return _unless(in_order, "commitment, upload, root, draw and decision are not in this order")


def _root(header: Header, leaves: OpenLeaves) -> str:
    count = 0

    def counted() -> Iterable[bytes]:
        nonlocal count
        for count, leaf in enumerate(leaves(), start=1):  # noqa: B007  # the last number is the count
            yield leaf

    root = merkle_root(counted())
    if count != header["population"]:
        return f"there are {count} leaves, not {header['population']}"
    same = compare_digest(root, bytes.fromhex(header["root"]))
    return _unless(same, "the leaves have another root")


def _lead(header: Header, proof: Header) -> str:
    stands = verify_path(
        bytes.fromhex(proof["leaf"]),
        [bytes.fromhex(node) for node in proof["path"]],
        index=proof["index"],
        count=header["population"],
        root=bytes.fromhex(header["root"]),
    )
    return _unless(stands, "the path does not lead from this leaf to the root of the lot")


def _plan(header: Header, _leaves: OpenLeaves) -> str:
    usual = plan_for(header["population"], header["quality_class"])
    return _unless(
        usual.to_json() == header["plan"],
        "this is not the plan of the class for a lot of this size",
    )


def _seed(header: Header, _leaves: OpenLeaves) -> str:
    made = seed(
        bytes.fromhex(header["secret"]),
        root=bytes.fromhex(header["root"]),
        nonce=header["nonce"],
        beacon=header["beacon"],
    )
    return _unless(made.hex() == header["seed"], "secret, root, nonce and beacon give another seed")


def _order(header: Header, leaves: OpenLeaves) -> str:
    drawn, key = header["drawn"], bytes.fromhex(header["seed"])
    if [item["position"] for item in drawn] != list(range(1, len(drawn) + 1)):
        return "the positions do not run from 1"
    if len(drawn) != header["plan"]["looks"][-1]:
        return "not all positions of the plan are given"
    order = first(key, leaves(), n=len(drawn))
    given = [item["leaf"] for item in drawn]
    wrong = next((i for i, leaf in enumerate(order) if given[i] != leaf), None)
    return (
        "" if wrong is None else f"position {wrong + 1} is leaf {order[wrong]}, not {given[wrong]}"
    )


def _looks(header: Header, _leaves: OpenLeaves) -> str:
    found = _judged(header)
    counted = {"n": found.n, "good": found.good, "bad": found.bad, "open": found.open}
    given = {name: header["quality"][name] for name in counted}
    return _unless(counted == given, f"the outcomes count {counted}, not {given}")


def _decision(header: Header, _leaves: OpenLeaves) -> str:
    found = _judged(header)
    given = header["decision"]
    same = (found.status.value, found.stage) == (given["status"], given["stage"])
    return _unless(same, f"the looks end in {found.status.value} at look {found.stage}")


def _quality(header: Header, _leaves: OpenLeaves) -> str:
    plan, given = _plan_of(header), header["quality"]
    found = _judged(header)
    if found.status is SampleStatus.OPEN:
        return "the looks do not end"
    bound = upper_bound(plan, found)
    expected = measured_quality(plan, found, quality_class=header["quality_class"], bound=bound)
    wrong = [name for name, value in expected.items() if not _same(value, given[name])]
    return _unless(not wrong, f"{', '.join(wrong)} should be {[expected[name] for name in wrong]}")


def _waived(header: Header, _leaves: OpenLeaves) -> str:
    """Only a lot of the class Unverified goes on sale without a sample, and without figures."""
    is_unverified = header["quality_class"] == "unverified" and header["quality"] is None
    return _unless(is_unverified, "a sample is missing")


def _plan_of(header: Header) -> SamplingPlan:
    return SamplingPlan.from_json(header["plan"])


def _outcomes(header: Header) -> list[OutcomeClass | None]:
    given = [item["outcome"] for item in header["drawn"]]
    return [None if outcome is None else OutcomeClass(outcome) for outcome in given]


def _judged(header: Header) -> Judgement:
    """What the outcomes say by both gates; there was no second one before norms were kept."""
    norm = header.get("reach_norm")
    reached = [bool(item.get("reached")) for item in header["drawn"]]
    reach = Reach(ReachNorm.from_json(norm), reached) if norm else None
    return judge(_plan_of(header), _outcomes(header), reach=reach)


def _same(expected: object, given: object) -> bool:
    if isinstance(expected, dict) and isinstance(given, dict):
        return all(_same(value, given.get(name)) for name, value in expected.items())
    if isinstance(expected, float) and isinstance(given, int | float):
        return math.isclose(expected, given, rel_tol=0, abs_tol=BOUND_TOLERANCE)
    return expected == given


def _unless(agrees: bool, detail: str) -> str:  # noqa: FBT001  # read aloud it is a sentence
    return "" if agrees else detail


Piece = Callable[[Header, OpenLeaves], str]
_NOT_SAMPLED: Final[dict[str, Piece]] = {"root": _root, "decision": _waived}
_SAMPLED: Final[dict[str, Piece]] = {
    "commitment": _commitment,
    "times": _times,
    "root": _root,
    "plan": _plan,
    "seed": _seed,
    "order": _order,
    "looks": _looks,
    "decision": _decision,
    "quality": _quality,
}
