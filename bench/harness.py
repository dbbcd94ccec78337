"""What every bench shares: the machine in one line, a line per figure, results as JSON."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exchange import embedded
from exchange.config import ROOT, Settings, as_application

OPERATORS = {">=": float.__ge__, "<=": float.__le__}


@dataclass
class Bench:
    """One bench with its figures."""

    name: str
    figures: list[dict[str, object]] = field(default_factory=list)

    def say_machine(self) -> None:
        """State machine, versions and load before anything is measured."""
        load = os.getloadavg()[0]
        print(
            f"# {self.name}: {os.cpu_count()} cores, {platform.machine()},"
            f" Python {platform.python_version()}, load {load:.1f}"
        )

    def figure(self, name: str, value: float, unit: str, *, goal: tuple[str, float]) -> None:
        """Print one figure with its goal and whether it is met."""
        operator, bar = goal
        met = OPERATORS[operator](float(value), float(bar))
        verdict = "met" if met else "missed"
        print(f"bench: {name} {value:.3g} {unit} (goal {operator} {bar:g}) {verdict}", flush=True)
        self.figures.append({"name": name, "value": value, "unit": unit, "goal": goal, "met": met})

    def write(self) -> None:
        """Keep the figures beside the code; they are not committed."""
        folder = ROOT / "bench" / "results"
        folder.mkdir(exist_ok=True)
        (folder / f"{self.name}.json").write_text(json.dumps(self.figures, indent=2))


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """The seconds that the block took, in the list that it gives."""
    taken: list[float] = []
    began = time.perf_counter()
    yield taken
    taken.append(time.perf_counter() - began)


def median(values: list[float]) -> float:
    """The median: one disturbed pair does not make the figure."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """The value that one in twenty exceeds."""
    return statistics.quantiles(values, n=20)[-1]


@contextmanager
def servers() -> Iterator[embedded.Servers]:
    """Servers of the bench's own with a real instance's settings."""
    folder = Path(tempfile.mkdtemp(prefix="exchange-bench-"))
    try:
        with embedded.servers(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settings(database_url: str, redis_url: str, folder: Path) -> Settings:
    """Settings of an application under measurement: everything as in a real instance."""
    return Settings(
        database_url=database_url,
        app_database_url=as_application(database_url),
        redis_url=redis_url,
        secret_key="bench",
        master_keys="1:" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        instance="sandbox",
        base_url="http://localhost",
        data_folder=folder,
        stripe_secret_key="",
        stripe_webhook_secret="",
        stripe_api_url=None,
    )
