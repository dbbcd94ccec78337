"""Pages that are made from the code are fresh, and words that the code uses are explained."""

from __future__ import annotations

import ast
import re

import pytest

from exchange.app import import_models
from exchange.cli.docs import FOLDER, PAGES
from exchange.config import ROOT
from exchange.core import errors
from exchange.core.db import Base
from exchange.leads.findings import FILE_SENTENCES
from exchange.reports.problems import PROBLEMS
from tests.architecture.source import called_name, calls, files, name_of, tree

import_models()
GLOSSARY = (FOLDER / "glossary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_fresh(name: str) -> None:
    path = FOLDER / name
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    assert kept == PAGES[name](), "stale: run `make docs`"


def test_every_record_is_in_the_glossary() -> None:
    models = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    explained = set(re.findall(r"^\| \*\*(\w+)\*\*", GLOSSARY, re.MULTILINE))
    assert models - explained == set()
    assert explained - models == set()


def test_the_glossary_explains_each_word_once() -> None:
    words = re.findall(r"^\| \*\*([^*]+)\*\*", GLOSSARY, re.MULTILINE)
    assert len(words) == len(set(words))


def test_every_code_of_an_error_is_documented() -> None:
    missing = raised_codes() - set(PROBLEMS) - set(FILE_SENTENCES)
    assert missing == set()


def test_no_code_is_documented_that_nobody_raises() -> None:
    http = {"method_not_allowed", "too_many_requests", "internal_error"}
    assert set(PROBLEMS) - raised_codes() - http == set()


def raised_codes() -> set[str]:
    """Codes of the error classes, and those that are given where one is raised."""
    kinds = {errors.DomainError, *subclasses(errors.DomainError)}
    names = {kind.__name__ for kind in kinds}
    found = {kind.code for kind in kinds} - {errors.DomainError.code}
    for path in files():
        for call in calls(tree(path)):
            if called_name(call) in names:
                found |= {k.value.value for k in call.keywords if is_text(k)}
    return found


def is_text(keyword: ast.keyword) -> bool:
    return keyword.arg == "code" and isinstance(keyword.value, ast.Constant)


def subclasses(kind: type) -> set[type]:
    direct = set(kind.__subclasses__())
    return direct | {deeper for child in direct for deeper in subclasses(child)}


def test_the_lock_file_names_no_place() -> None:
    """Where packages come from is the business of the machine that installs them."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--hash=sha256:" in lock


def test_every_module_says_what_it_owns() -> None:
    silent = [name_of(path) for path in files() if ast.get_docstring(tree(path)) is None]
    assert silent == []
