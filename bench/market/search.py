"""Search over 1,000,000 leads on sale, beside a fetch by key through the same server.

200 seeded queries with three filters each, half of them with one on the schema, every answer with
all facets; between each two of them one listing is fetched by its id, by the same program on the
same connection. The figure is the ratio of the two 95th percentiles.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import requests

from bench.harness import Bench, p95, stopwatch
from bench.market.shop import LEADS, LOTS, PROJECTS, REGIONS, TIMEFRAMES, listing_ids, open_shop
from bench.sampling.stage import stage
from exchange.core.db import db
from tests.servers import house as processes

QUERIES: Final = 200
GOAL: Final = 10.0
WARM_IN_A_ROW: Final = 12  # answers from memory, so that every process has counted
WAIT_SECONDS: Final = 300
Arguments = dict[str, Any]  # Any: what a query string is made of


def measure(bench: Bench) -> None:
    """Fill the shelves, wait until they are counted, and ask."""
    with stage() as ours:
        with stopwatch() as taken:
            open_shop(ours)
        print(f"# {LOTS * LEADS:,} leads in {LOTS:,} lots written in {taken[0]:.0f} s")
        program = requests.Session()
        program.headers.update(ours.cast.buyer.key("market:read"))
        ids = listing_ids()
        db.session.rollback()  # nothing of ours waits while others work
        with processes.web(ours.settings) as web:
            _measure(bench, _Door(program, f"{web.url}/api/v1/listings"), ids)
            _say_memory(processes.children_of(web.pid))


@dataclass(frozen=True, slots=True)
class _Door:
    """What the program asks."""

    program: requests.Session
    url: str

    def ask(self, path: str = "", **arguments: Any) -> requests.Response:
        """The answer, which must be one."""
        answer = self.program.get(f"{self.url}{path}", params=arguments, timeout=60)
        assert answer.ok, answer.text
        return answer

    def seconds(self, path: str = "", **arguments: Any) -> float:
        """How long the answer takes."""
        with stopwatch() as taken:
            self.ask(path, **arguments)
        return taken[0]


def _measure(bench: Bench, door: _Door, ids: list[str]) -> None:
    random = Random(5)
    with stopwatch() as taken:
        _wait_until_counted(door)
    print(f"# counted in every process after {taken[0]:.0f} s")
    searches, fetches = [], []
    for arguments in _queries(random):
        searches.append(door.seconds(**arguments))
        fetches.append(door.seconds(f"/{random.choice(ids)}"))
    for name, values in (("search", searches), ("fetch by key", fetches)):
        median = statistics.median(values)
        print(f"# {name}: p50 {median * 1_000:.1f} ms, p95 {p95(values) * 1_000:.1f} ms")
    bench.figure("search_p95_to_fetch", p95(searches) / p95(fetches), "ratio", goal=("<=", GOAL))


def _queries(random: Random) -> Iterator[Arguments]:
    """Three filters each; every second query has one on an attribute of the schema."""
    for number in range(QUERIES):
        of_schema = [_criteria(random)] if number % 2 else []
        others = random.sample(_filters(random), 3 - len(of_schema))
        yield {"vertical": "home_improvement_us", **dict([*of_schema, *others])}


def _filters(random: Random) -> list[tuple[str, Any]]:
    return [
        ("region", random.sample(REGIONS, random.randint(1, 4))),
        ("fresh_hours", random.choice((24, 72, 168, 200))),
        ("temperature", random.choice(("hot", "warm", "cold"))),
        ("quality_class", random.choice(("standard", "select", "prime"))),
        ("price_max", random.randrange(3_100, 5_000)),
        ("bad_upper_max", random.choice((0.08, 0.1, 0.12))),
        ("has", "consent"),
        ("checked", "true"),
    ]


def _criteria(random: Random) -> tuple[str, str]:
    low = random.randrange(50_000, 3_000_000)
    condition = random.choice([
        {"field": "project", "in": random.sample(PROJECTS, 2)},
        {"field": "timeframe", "is": random.choice(TIMEFRAMES)},
        {"field": "budget", "from": low, "to": low + 1_000_000},
        {"field": "is_homeowner", "is": True},
    ])  # fmt: skip
    return "criteria", json.dumps(condition)


def _wait_until_counted(door: _Door) -> None:
    """Until so many answers in a row came from memory; from the database they are exact."""
    deadline, in_a_row = time.monotonic() + WAIT_SECONDS, 0
    while in_a_row < WARM_IN_A_ROW:
        assert time.monotonic() < deadline, "the market was not counted"
        time.sleep(1)
        is_exact = door.ask(region="OH", limit=1).json()["facets"]["exact"]
        in_a_row = 0 if is_exact else in_a_row + 1


def _say_memory(pids: list[int]) -> None:
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        print(f"# a serving process takes {kib / 1_024:.0f} MB")
