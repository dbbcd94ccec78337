"""What the bench of the spot check works out by itself, where a mistake would only look like a figure."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bench.sampling.counting import checks_to_rejection
from bench.sampling.floor import BEGIN, seats_for, working_hours
from bench.sampling.policies import PRINTED, TABLES, iso_table
from bench.sampling.population import lots
from bench.sampling.rules import gold_share, source_places

CODE_LETTERS = "lot_min,lot_max,S-1,II\n501,1200,C,J\n1201,,D,K\n"
SINGLE_NORMAL = "aql_percent,code_letter,cell,use_code_letter,n,ac\n1.5,J,plan,J,80,3\n2.5,J,plan,J,80,5\n2.5,K,plan,K,125,7\n"


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ((0, 10), (0, 12), 2),
        ((0, 6), (0, 8), 0),  # before the first legal hour
        ((0, 19), (1, 10), 2),  # over a night
        ((0, 22), (2, 9), 11),  # a whole day between two nights
    ],
)
def test_hours_without_calls_are_not_counted(
    begin: tuple[int, int], end: tuple[int, int], hours: float
) -> None:
    moments = [BEGIN + timedelta(days=day, hours=hour) for day, hour in (begin, end)]
    assert working_hours(*moments) == pytest.approx(hours)


def test_verifiers_are_busy_four_fifths_of_their_time() -> None:
    assert seats_for(timedelta(hours=88), days=1) == 10
    assert seats_for(timedelta(hours=89), days=1) == 11


def test_checks_end_with_the_bad_lead_that_rejects() -> None:
    drawn = [False, True, False, True, True]
    assert checks_to_rejection(drawn, reject=2) == 4
    with pytest.raises(IndexError):
        checks_to_rejection(drawn, reject=4)


def test_table_is_read_by_size_and_limit(tmp_path: Path) -> None:
    (tmp_path / "code_letters.csv").write_text(CODE_LETTERS)
    (tmp_path / "single_normal.csv").write_text(SINGLE_NORMAL)
    assert iso_table(tmp_path, 1_000) == (80, 5)
    assert iso_table(tmp_path, 90_000) == (125, 7)
    assert iso_table(tmp_path / "none", 1_000) is None


def test_printed_plans_are_those_of_the_table() -> None:
    if not TABLES.is_dir():
        pytest.skip(f"no tables at {TABLES}; EXCHANGE_SHARED can name their folder")
    assert {size: iso_table(TABLES, size) for size in PRINTED} == PRINTED


def test_each_source_is_judged_by_its_first_twelve() -> None:
    order = ["a", "b"] * 50
    assert source_places(order) == set(range(1, 25))
    assert source_places(["a"] * 100) == set()


def test_small_sources_are_judged_together() -> None:
    names = ["a"] * 80 + [f"small {n}" for n in range(20)]
    assert source_places(names) == {*range(1, 13), *range(81, 93)}


def test_known_calls_become_rare_and_count_the_exam() -> None:
    assert gold_share(100) == pytest.approx(0.30)  # 20 of the exam and one in ten
    assert 0.02 < gold_share(10_000) < 0.05


def test_a_seller_is_equally_bad_in_lots_of_any_size() -> None:
    small, large = (lots(size=size, mixed=False) for size in (100, 10_000))
    assert len(small) == 10_000
    assert all(
        abs(one.share - other.share) <= 0.006 for one, other in zip(small, large, strict=True)
    )
