"""The source of the program as trees, for tests about the codebase."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from exchange.config import ROOT

PACKAGE = ROOT / "exchange"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files(folder: str = "exchange") -> tuple[Path, ...]:
    return tuple(sorted((ROOT / folder).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def functions(path: Path) -> tuple[Function, ...]:
    return tuple(node for node in ast.walk(tree(path)) if isinstance(node, Function))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield inner


def called_name(call: ast.Call) -> str:
    """`f` of `f()` and of `module.f()`."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def texts(node: ast.AST) -> set[str]:
    return {
        inner.value
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    }
