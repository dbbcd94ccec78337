"""The public record: every piece that is tampered with is found, and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from exchange.catalog.scripts import Outcome
from exchange.verification import queries
from exchange.verification.queries.lots import PublicRecord
from exchange.verification.records import Header, check_record
from tests.cast import Cast
from tests.verification.support import filed, make_sample, these, work

OTHER = "ab" * 32


@pytest.fixture
def record(request: pytest.FixtureRequest) -> PublicRecord:
    return filed("accepted", request, accepted)


def accepted(cast: Cast) -> PublicRecord:
    """A lot that was accepted at the second look, as anybody gets it."""
    sample = make_sample(cast.seller)
    work(cast.verifier, these({5: Outcome.DENIES, 6: Outcome.DO_NOT_CALL}))
    return queries.public_record(sample.batch_id)


def wrong_pieces(header: Header, leaves: Callable[[], Any]) -> list[str]:
    return [check.piece for check in check_record(header, leaves) if not check.agrees]


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one value; numbers in the path are places of lists."""

    def change(header: dict[str, Any]) -> None:
        *way, last = (int(part) if part.isdigit() else part for part in path.split("/"))
        target: Any = header
        for part in way:
            target = target[part]
        target[last] = value

    return change


def swap_positions(header: dict[str, Any]) -> None:
    one, two = header["drawn"][0], header["drawn"][1]
    one["leaf"], two["leaf"] = two["leaf"], one["leaf"]


def drop_last(header: dict[str, Any]) -> None:
    header["drawn"].pop()


def test_untouched_record_agrees_after_a_journey_through_json(record) -> None:
    header = json.loads(json.dumps(record.header))
    assert wrong_pieces(header, record.leaves) == []


@pytest.mark.parametrize(
    ("change", "pieces"),
    [
        (put("commitment", OTHER), {"commitment"}),
        (put("secret", OTHER), {"commitment", "seed"}),
        (put("committed_at", "2099-01-01T00:00:00+00:00"), {"times"}),
        (put("drawn_at", "2001-01-01T00:00:00+00:00"), {"times"}),
        (put("root", OTHER), {"root", "seed"}),
        (put("population", 121), {"root", "plan"}),
        (put("nonce", "another"), {"seed"}),
        (put("beacon", "a beacon"), {"seed"}),
        (put("seed", OTHER), {"seed", "order"}),
        (put("quality_class", "select"), {"plan", "quality"}),
        (put("plan/accept/0", 5), {"plan", "looks", "decision", "quality"}),
        (swap_positions, {"order"}),
        (drop_last, {"order"}),
        (put("drawn/0/position", 9), {"order"}),
        (put("drawn/4/outcome", "good"), {"looks", "decision", "quality"}),
        (put("drawn/5/outcome", "bad"), {"looks", "decision", "quality"}),
        (put("drawn/0/outcome", None), {"looks", "decision", "quality"}),
        (put("drawn/0/outcome", "splendid"), {"looks", "decision", "quality"}),
        (put("decision/status", "rejected"), {"decision"}),
        (put("decision/stage", 1), {"decision"}),
        (put("quality/bad", 0), {"looks", "quality"}),
        (put("quality/open", 0), {"looks", "quality"}),
        (put("quality/bad_upper", 0.01), {"quality"}),
        (put("quality/class", "prime"), {"quality"}),
        (put("quality/confidence", 0.99), {"quality"}),
    ],
)
def test_tampered_piece_is_named(record, change, pieces: set[str]) -> None:
    header = deepcopy(record.header)
    change(header)
    assert set(wrong_pieces(header, record.leaves)) == pieces


def test_missing_piece_is_named_and_breaks_nothing_else(record) -> None:
    header = {**record.header}
    del header["secret"]
    checks = check_record(header, record.leaves)
    assert {check.piece for check in checks if not check.agrees} == {"commitment", "seed"}
    assert "cannot be read" in checks[0].detail


@pytest.mark.parametrize("nonsense", [{}, {"plan": {}}, {"plan": 7}, {"plan": None, "root": 3}])
def test_nonsense_agrees_with_nothing(record, nonsense: dict[str, Any]) -> None:
    checks = check_record(nonsense, record.leaves)
    assert checks
    assert not any(check.agrees for check in checks)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda leaves: [*leaves[:-1], b"\x00" * 32],
        lambda leaves: leaves[:-1],
        lambda leaves: [*leaves, leaves[0]],
        lambda leaves: [leaves[1], leaves[0], *leaves[2:]],
        lambda leaves: [*leaves[:-1], b"short"],
        lambda _leaves: [],
    ],
)
def test_other_leaves_have_another_root(record, tamper) -> None:
    leaves = tamper(list(record.leaves()))
    assert "root" in wrong_pieces(record.header, lambda: leaves)


def test_lot_without_a_sample_must_be_unverified(record) -> None:
    header = {**record.header, "plan": None}
    assert wrong_pieces(header, record.leaves) == ["decision"]
