"""What every template keeps to: short, no inline script or style, words marked, states named."""

from __future__ import annotations

import re
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec

import pytest

from exchange.app import PACKAGES
from exchange.config import ROOT

TEMPLATES = ROOT / "templates"
PAGES = sorted(TEMPLATES.rglob("*.html"))
SPRITE = (ROOT / "static" / "img" / "icons.svg").read_text()
STATUS_WORDS = (TEMPLATES / "components" / "status.html").read_text()
BARE_WORDS = re.compile(r">\s*[A-Za-z][a-z]+ [a-z][^<{]*<")
# Parts of other components, seen inside them.
INSIDE_OTHERS = {"art", "chart", "hidden", "list_link", "query", "mark"}


def ids(pages):
    return [str(page.relative_to(TEMPLATES)) for page in pages]


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_a_template_is_short_and_has_no_inline_script_or_style(page):
    text = page.read_text()
    assert len(text.splitlines()) <= 150
    assert not re.search(r"""\sstyle\s*=\s*["']|\son[a-z]+\s*=\s*["']|<style|javascript:""", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_sentences_are_marked_for_translation(page):
    if "emails" in page.parts:
        return
    text = re.sub(r"\{#.*?#\}", "", page.read_text(), flags=re.DOTALL)
    assert not BARE_WORDS.findall(text)


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_icons_that_are_named_exist(page):
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', SPRITE))
    named = set(re.findall(r'\bicon\("([\w-]+)"', page.read_text()))
    assert named <= drawn


def test_every_state_that_a_record_can_have_has_a_word():
    known = set(re.findall(r'"(\w+)": \(N_\(', STATUS_WORDS))
    missing = {
        f"{kind.__name__}.{member.value}"
        for kind in status_enums()
        for member in kind
        if member.value not in known
    }
    assert missing == set()


def status_enums() -> set[type[StrEnum]]:
    modules = [
        import_module(f"exchange.{p}.models") for p in PACKAGES if find_spec(f"exchange.{p}.models")
    ]
    return {
        kind
        for kind in every_subclass(StrEnum)
        if kind.__name__.endswith("Status")
        and any(kind.__module__.startswith(m.__name__) for m in modules)
    }


def every_subclass(kind: type) -> set[type]:
    direct = set(kind.__subclasses__())
    return direct | {deeper for child in direct for deeper in every_subclass(child)}


def test_every_component_is_shown_in_the_style_guide():
    exported = re.findall(
        r"^\{% set ([\w, ]+?) = ", (TEMPLATES / "components" / "ui.html").read_text(), re.MULTILINE
    )
    names = {name.strip() for group in exported for name in group.split(",")}
    guide = "".join(
        page.read_text() for page in (TEMPLATES / "reports").rglob("styleguide*/*.html")
    )
    guide += (TEMPLATES / "reports" / "styleguide.html").read_text() + (
        TEMPLATES / "base.html"
    ).read_text()
    shown = set(re.findall(r"ui\.(\w+)", guide))
    assert names - shown <= INSIDE_OTHERS
