"""Rows are the queue: whatever is rung for is found again by a sweep when the bell was lost."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from exchange.app import import_models
from exchange.config import ROOT
from exchange.core.jobs import JOBS, SWEEPS
from tests.architecture.source import called_name, calls, files, functions, texts, tree

import_models()
# What may be lost without harm; say here why.
BEST_EFFORT: dict[str, str] = {
    "fulfillment.deliver_matched": "it only rings for orders, which fulfillment.deliver_order finds",
}


@cache
def rung_by_sweeps() -> set[str]:
    """Every text that a sweep, or a function of its package that it calls, could ring with."""
    found: set[str] = set()
    for path in files():
        sweeps = [node for node in functions(path) if is_sweep(node)]
        if not sweeps:
            continue
        known = {node.name: node for other in package_of(path) for node in functions(other)}
        for sweep in sweeps:
            found |= reachable(sweep, known)
    return found


def is_sweep(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(d, ast.Call) and called_name(d) == "sweep" for d in decorators)


def package_of(path: Path) -> list[Path]:
    package = path.relative_to(files()[0].parent).parts[0]
    return [other for other in files() if package in other.parts]


def reachable(node: ast.AST, known: dict[str, ast.AST]) -> set[str]:
    found, waiting, seen = set(), [node], set()
    while waiting:
        one = waiting.pop()
        body = ast.Module(getattr(one, "body", []), [])
        found |= texts(body)
        for call in calls(body):
            name = called_name(call)
            if name in known and name not in seen:
                seen.add(name)
                waiting.append(known[name])
    return found


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_job_is_found_by_a_sweep_or_may_be_lost(name: str) -> None:
    assert name in rung_by_sweeps() or name in BEST_EFFORT


def test_every_name_that_is_rung_for_is_a_job() -> None:
    rung = {
        call.args[0].value
        for path in files()
        for call in calls(tree(path))
        if called_name(call) in {"enqueue", "enqueue_each"}
        and "core" not in path.relative_to(ROOT).parts
        and isinstance(call.args[0], ast.Constant)
    }
    assert rung
    assert rung <= set(JOBS)


def test_names_say_their_package() -> None:
    for name, one in {**JOBS, **SWEEPS}.items():
        assert one.function.__module__.split(".")[1] == name.split(".")[0]
