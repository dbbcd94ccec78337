"""Invariants: sentences about the tables that must hold at any moment, as queries.

The package that owns a table registers its checks; `exchange ledger check`, the nightly run and
every test's teardown run all of them.
"""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], list[str]]
INVARIANTS: dict[str, Check] = {}


def invariant(name: str) -> Callable[[Check], Check]:
    """Register a query that returns one sentence per violation."""

    def register(check: Check) -> Check:
        INVARIANTS[name] = check
        return check

    return register


def violations() -> list[str]:
    """Every violation found now, each led by the name of its invariant."""
    return [f"{name}: {found}" for name, check in INVARIANTS.items() for found in check()]
