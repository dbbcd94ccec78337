"""While the database does not answer, every page says so in words, with a status that says when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from exchange.app import create_app
from exchange.config import Settings
from exchange.embedded.address import free_port


@pytest.fixture
def away(settings: Settings, tmp_path: Path) -> FlaskClient:
    """A browser in front of an application whose database is gone."""
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    app = create_app(replace(settings, database_url=nowhere, app_database_url=nowhere))
    return app.test_client()


def test_a_page_is_503_and_may_be_asked_again(away: FlaskClient) -> None:
    for path in ("/", "/sign-in", "/method"):
        response = away.get(path)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "2"
        assert "The exchange is busy. Please try again." in response.get_data(as_text=True)


def test_it_is_said_in_the_language_of_the_browser(away: FlaskClient) -> None:
    page = away.get("/sign-in", headers={"Accept-Language": "ru"}).get_data(as_text=True)
    assert "Биржа занята. Попробуйте ещё раз." in page


def test_what_needs_no_database_works(away: FlaskClient) -> None:
    assert away.get("/healthz").status_code == 200
    assert away.get("/nonsense").status_code == 404
    assert away.get("/readyz").status_code == 503


def test_a_program_gets_a_problem(away: FlaskClient) -> None:
    headers = {"Authorization": "Bearer lx_test_nonsense"}
    response = away.get("/api/v1/events", headers=headers)
    assert (response.status_code, response.json["code"]) == (503, "unavailable")
