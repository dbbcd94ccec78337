"""Catalogs: sound for every language, and complete where everybody comes through."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from exchange.config import ROOT
from tests.cast import Cast

FOLDER = ROOT / "translations"
PLURALS = {"ru": 3, "es": 2, "ms": 1}
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None, "lazy_gettext": None}
# What everybody sees first, in every language.
FRAME = ["base.html", "components/shell.html", "identity/sign_in.html", "identity/sign_up.html"]
# What is there in Russian as well.
RUSSIAN = ["components/status.html", "components/returns.html", "identity", "notifications"]


def catalog(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def templates(names: list[str]) -> list[Path]:
    paths = [ROOT / "templates" / name for name in names]
    return [page for path in paths for page in ([path] if path.is_file() else path.glob("*.html"))]


def words_of(path: Path) -> set[str]:
    found = extract_from_file("jinja2", str(path), keywords=KEYWORDS)
    return {text[0] if isinstance(text, tuple) else text for _, text, *_ in found}


@pytest.mark.parametrize("language", PLURALS)
class TestCatalog:
    def test_it_counts_as_its_language_does(self, language: str) -> None:
        assert catalog(language).num_plurals == PLURALS[language]
        header = (FOLDER / language / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
        assert f"nplurals={PLURALS[language]};" in header

    def test_no_translation_loses_what_is_filled_in(self, language: str) -> None:
        wrong = [
            message.id
            for message in catalog(language)
            if message.id and any(message.string if message.pluralizable else [message.string])
            for text in (message.string if message.pluralizable else [message.string])
            if blanks(text) != blanks(message.id[-1] if message.pluralizable else message.id)
        ]
        assert wrong == []

    def test_the_frame_of_every_page_is_translated(self, language: str) -> None:
        assert missing(language, templates(FRAME)) == set()


def test_russian_is_complete_for_states_returns_and_people() -> None:
    assert missing("ru", templates(RUSSIAN)) == set()


def blanks(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def missing(language: str, pages: list[Path]) -> set[str]:
    known = catalog(language)
    wanted = {word for page in pages for word in words_of(page)}
    return {word for word in wanted if not (known.get(word) and all_of(known.get(word).string))}


def all_of(string: str | tuple[str, ...]) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "Войти"), ("es", "Entrar"), ("ms", "Log masuk"), ("en", "Sign in"), ("fr", "Sign in")],
)
def test_a_stranger_reads_the_language_that_the_browser_asks_for(
    client: FlaskClient, cast: Cast, language: str, words: str
) -> None:
    response = client.get("/sign-in", headers={"Accept-Language": language})
    assert f'<h1 tabindex="-1" id="title">{words}</h1>' in response.get_data(as_text=True)


def test_an_error_is_said_in_the_readers_language(client: FlaskClient, cast: Cast) -> None:
    form = {"email": "nobody@nowhere.example", "password": "wrong wrong"}
    response = client.post("/sign-in", data=form, headers={"Accept-Language": "ru"})
    assert "Почта или пароль неверны." in response.get_data(as_text=True)
    empty = client.post("/sign-in", data={}, headers={"Accept-Language": "ru"})
    assert "Это поле нужно заполнить." in empty.get_data(as_text=True)


def test_a_program_reads_english_whatever_it_asks_for(client: FlaskClient, cast: Cast) -> None:
    response = client.get("/api/v1/events", headers={"Accept-Language": "ru"})
    assert response.json["title"] == "Sign in first"
