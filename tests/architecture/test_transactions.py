"""One verb, one transaction: it ends in core/db.py alone, and status moves in core/states.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import calls, files, name_of, tree

EDGES = {
    "exchange/core/db.py",
    "exchange/core/schema.py",  # migrations, as the owner of the tables, outside the application
}
MACHINE = "exchange/core/states.py"


def test_nothing_ends_a_transaction_but_the_edges() -> None:
    found = [
        f"{name_of(path)}:{call.lineno}"
        for path in files()
        if name_of(path) not in EDGES
        for call in calls(tree(path))
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "rollback"}
    ]
    assert found == []


def test_nothing_assigns_a_status_but_the_machine() -> None:
    found = [
        f"{name_of(path)}:{line}"
        for path in files()
        if name_of(path) != MACHINE
        for line in _assignments(path)
    ]
    assert found == []


def _assignments(path: Path) -> Iterator[int]:
    for node in ast.walk(tree(path)):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AugAssign) and any(map(_is_status, targets)):
            yield node.lineno
    for call in calls(tree(path)):
        is_values = isinstance(call.func, ast.Attribute) and call.func.attr == "values"
        if is_values and any(keyword.arg == "status" for keyword in call.keywords):
            yield call.lineno


def _is_status(target: ast.expr | None) -> bool:
    """`order.status = ...`; an error that sets its own HTTP status is another thing."""
    if not isinstance(target, ast.Attribute) or target.attr != "status":
        return False
    return not (isinstance(target.value, ast.Name) and target.value.id == "self")
