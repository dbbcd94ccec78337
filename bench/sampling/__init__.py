"""The spot check: what it costs, how long it takes, and how quickly its verbs answer.

Each part measures the product's own code: the simulation of sellers, lots and calls; claiming out
of a long queue; the draw of a large lot; the next task on the screen.
"""

from __future__ import annotations

from bench.harness import Bench
from bench.sampling import claims, drawing, rolling, screen, simulation


def run(bench: Bench) -> None:
    """Measure all parts."""
    for part in (simulation, rolling, claims, drawing, screen):
        part.run(bench)
