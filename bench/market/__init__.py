"""The market: a lead meets contracts, a buyer searches, a ping is answered, one among many.

Each part measures the product's own code; the parts are found by their names.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from bench.harness import Bench

PARTS: Final = ("matching", "search", "pings", "fairness")


def run(bench: Bench) -> None:
    """Measure all parts that there are."""
    there = {module.name for module in iter_modules(__path__)}
    for part in PARTS:
        if part in there:
            import_module(f"bench.market.{part}").measure(bench)
