"""`exchange user`: a verifier made at a terminal may call, and somebody can vouch for one."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from exchange.cli import exchange
from exchange.core.db import db
from exchange.identity import queries as identity
from exchange.identity import services
from exchange.identity.permissions import Role
from exchange.verification import queries
from tests.cast import PASSWORD, Cast, make_cast
from tests.factories.catalog import make_vertical
from tests.servers.house import environment


def run(*arguments: str) -> Result:
    return CliRunner().invoke(exchange, ["user", *arguments])


@pytest.fixture
def house(committed: Flask, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """An instance that commands find, with its people and one vertical."""
    for name, value in environment(committed.config["SETTINGS"]).items():
        monkeypatch.setenv(name, value)
    cast = make_cast()
    make_vertical()
    db.session.commit()
    return cast


def skills(email: str) -> list[str]:
    user = identity.find_user(email)
    assert user is not None
    return [language for _, language in queries.skills_of(user.id)]


@pytest.mark.commits
def test_users_who_call_may_call_for_every_vertical(house: Cast) -> None:
    callers = house.verifier.organization.name
    made = run("create", "--email", "new@callers.example", "--org", callers, "--role", "verifier")
    assert made.exit_code == 0, made.output
    assert skills("new@callers.example") == ["en"]
    seller = house.seller.organization.name
    run("create", "--email", "new@seller.example", "--org", seller, "--role", "member")
    assert skills("new@seller.example") == []


@pytest.mark.commits
def test_somebody_vouches_for_a_verifier(house: Cast) -> None:
    services.add_member(
        email="raw@callers.example",
        name="Raw",
        password=PASSWORD,
        organization_id=house.verifier.organization.id,
        role=Role.VERIFIER,
    )
    db.session.commit()
    assert skills("raw@callers.example") == []
    for _ in range(2):
        done = run("qualify", "--email", "raw@callers.example", "--vertical", "home_improvement_us")
        assert (done.exit_code, done.output.split()) == (0, ["home_improvement_us", "en"])
    assert skills("raw@callers.example") == ["en"]
    assert run("qualify", "--email", "nobody@callers.example").exit_code == 2
