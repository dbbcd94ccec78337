"""`python -m bench [NAME]`: run one bench or all, print a line per figure, keep them as JSON."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.harness import Bench

NAMES = ("intake", "dry_run", "neighbor", "sampling", "market")


def main() -> None:
    """Run what was asked for; a figure that misses its goal is printed, not hidden."""
    wanted = sys.argv[1:] or NAMES
    unknown = set(wanted) - set(NAMES)
    if unknown:
        sys.exit(f"There is no bench {', '.join(sorted(unknown))}. Known: {', '.join(NAMES)}.")
    for name in wanted:
        bench = Bench(name)
        bench.say_machine()
        import_module(f"bench.{name}").run(bench)
        bench.write()


if __name__ == "__main__":
    main()
