"""Ceilings that ruff does not carry: lines of a function and of a file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source import Function, files, functions, name_of

FUNCTION_LINES = 40
FILE_LINES = {"exchange": 400, "stripe_sandbox": 400, "tests": 700, "bench": 400}


@pytest.mark.parametrize(("folder", "most"), FILE_LINES.items())
def test_no_file_is_longer_than_its_ceiling(folder: str, most: int) -> None:
    long = {name_of(path): lines for path in files(folder) if (lines := lines_of(path)) > most}
    assert long == {}


@pytest.mark.parametrize("folder", ["exchange", "stripe_sandbox"])
def test_every_function_fits_on_a_screen(folder: str) -> None:
    long = {
        f"{name_of(path)}:{node.name}": lines
        for path in files(folder)
        for node in functions(path)
        if (lines := body_lines(node)) > FUNCTION_LINES
    }
    assert long == {}


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def body_lines(node: Function) -> int:
    """Without the signature and the docstring: those are read, not followed."""
    statements = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - statements[0].lineno + 1 if statements else 0
