"""The spot check: what it costs, how long it takes, and how quickly its verbs answer.

Four parts, each of the product's own code: the simulation of sellers, lots and calls; claiming out
of a long queue; the draw of a large lot; the next task on the screen.
"""

from __future__ import annotations

from bench.harness import Bench
from bench.sampling import claims


def run(bench: Bench) -> None:
    """Measure all parts, the quick ones first."""
    claims.run(bench)
