"""Who was told to wait is told so again at the door: in the same form, and nobody else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from http.client import HTTPConnection
from select import select
from threading import Event, Semaphore
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from exchange.app import porter
from exchange.core import limits
from exchange.core.limits import limiter
from exchange.sellers.api import posts
from tests.servers import house

PINGS, LEADS = "/api/v1/pings", "/api/v1/leads"
PROOF = "/api/v1/leads/lead_nothing/proof"
PROOFS = 60  # a minute, for an address
PATIENCE = 0.3  # seconds
Told = dict[porter.Knock, porter.Refusal]
KEY = {"Authorization": "Bearer lx_test_nobody"}


@pytest.fixture(autouse=True)
def told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """What the porter remembers; once for all a minute is open."""
    monkeypatch.setattr(limiter, "enabled", True)
    for name in ("PINGS", "POSTS"):
        monkeypatch.setattr(posts, name, "1 per minute")
    limiter.reset()
    remembered = app.wsgi_app._told  # type: ignore[attr-defined]
    remembered.clear()
    yield remembered
    remembered.clear()
    limiter.reset()


def refuse(client: FlaskClient, path: str = PINGS) -> TestResponse:
    """What the application says to the one knock too many, and forgets at once."""
    assert client.post(path, json={}, headers=KEY).status_code == 401
    refused = client.post(path, json={}, headers=KEY)
    assert refused.status_code == 429
    limiter.reset()
    return refused


def test_it_is_said_again_without_asking_inside(client: FlaskClient) -> None:
    first = refuse(client)
    again = client.post(PINGS, json={}, headers=KEY)
    assert again.status == first.status
    assert [name for name, _ in again.headers] == [name for name, _ in first.headers]
    assert again.headers["Request-Id"] == again.json["request_id"] != first.json["request_id"]
    assert 1 <= int(again.headers["Retry-After"]) <= int(first.headers["Retry-After"])
    own = {"request_id": ""}
    assert again.json | own == first.json | own
    changing = ("Request-Id", "Retry-After")
    same = [[one for one in each.headers if one[0] not in changing] for each in (first, again)]
    assert same[0] == same[1]


def test_nobody_else_is_refused_and_no_other_door(client: FlaskClient) -> None:
    refuse(client)
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    for path, asked in (
        (PINGS, {"headers": {"Authorization": "Bearer lx_test_another"}}),
        (PINGS, {}),
        (PINGS, {"headers": KEY, "environ_overrides": elsewhere}),
        (LEADS, {"headers": KEY}),
    ):
        limiter.reset()
        assert client.post(path, json={}, **asked).status_code == 401
    assert client.get(PINGS, headers=KEY).status_code == 401
    assert client.post(PINGS, json={}, headers=KEY).status_code == 429


def test_it_is_over_when_the_time_is(client: FlaskClient, told: Told) -> None:
    refuse(client)
    ((knock, refusal),) = told.items()
    told[knock] = replace(refusal, until=0.0)
    assert client.post(PINGS, json={}, headers=KEY).status_code == 401


def test_it_remembers_so_many_and_forgets_what_is_over(
    client: FlaskClient, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "TOLD_MAX", 1)
    refuse(client)
    refuse(client, LEADS)
    assert client.post(LEADS, json={}, headers=KEY).status_code == 401
    ((knock, refusal),) = told.items()
    told[knock] = replace(refusal, until=0.0)
    assert client.post(LEADS, json={}, headers=KEY).status_code == 429
    assert [path for _, path, *_ in told] == [LEADS]


def test_who_waits_for_a_turn_too_many_is_not_remembered(
    client: FlaskClient, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be free a moment later."""
    monkeypatch.setattr(limits, "INSIDE_MAX", 1)
    with limits.turn_of(sha256(KEY["Authorization"].encode()).hexdigest()):
        assert client.post(PINGS, json={}, headers=KEY).status_code == 429
    assert told == {}


def test_pages_are_asked_every_time(client: FlaskClient, told: Told) -> None:
    form = {"email": "nobody@example.com", "password": "wrong wrong"}
    answers = [client.post("/sign-in", data=form).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    assert told == {}


def test_who_never_ends_holds_two_threads_and_no_more(app: Flask, client: FlaskClient) -> None:
    refuse(client)
    gate, heard = Event(), Semaphore(0)

    class Dawdling:
        """A body that does not come until its sender is let go on."""

        def read(self, size: int) -> bytes:
            heard.release()
            gate.wait()
            return b"{}"[:size]

    class Unread:
        """A body for which nobody may wait."""

        def read(self, _size: int) -> bytes:
            pytest.fail("A third thread waits.")

    def knock(body: Dawdling | Unread) -> str:
        environ = EnvironBuilder(PINGS, method="POST", headers=KEY).get_environ()
        own = {"REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": "2", "wsgi.input": body}
        return run_wsgi_app(app.wsgi_app, environ | own)[1]

    with ThreadPoolExecutor(2) as threads:
        try:
            waiting = [threads.submit(knock, Dawdling()) for _ in range(2)]
            for _ in waiting:
                heard.acquire()
            assert knock(Unread()).startswith("429")
        finally:
            gate.set()
        assert all(one.result().startswith("429") for one in waiting)


def test_doors_of_single_things_are_not_remembered(client: FlaskClient, told: Told) -> None:
    """There is no end of them; each asks inside."""
    statuses = Counter(client.get(PROOF, headers=KEY).status_code for _ in range(PROOFS + 1))
    assert statuses == {404: PROOFS, 429: 1}
    assert told == {}


@pytest.mark.commits
def test_a_server_hears_the_refused_out_and_keeps_the_connection(committed: Flask) -> None:
    """Answered before the body came, the connection would be closed on the sender."""
    statuses, numbers = Counter[int](), set[str]()
    with house.web(committed.config["SETTINGS"]) as server:
        address = urlsplit(server.url)
        with closing(HTTPConnection(address.hostname or "", address.port)) as connection:
            connection.connect()
            socket = connection.sock
            for _ in range(PROOFS + 2):
                connection.request("GET", PROOF, headers=KEY)
                statuses[read(connection, numbers)] += 1
            connection.putrequest("GET", PROOF)
            for name, value in {**KEY, "Content-Length": "2"}.items():
                connection.putheader(name, value)
            connection.endheaders()
            assert select([socket], [], [], PATIENCE)[0] == []
            connection.send(b"{}")
            statuses[read(connection, numbers)] += 1
            assert connection.sock is socket
    assert statuses == {404: PROOFS, 429: 3}
    assert len(numbers) == PROOFS + 3


def read(connection: HTTPConnection, numbers: set[str]) -> int:
    response = connection.getresponse()
    response.read()
    numbers.add(response.headers["Request-Id"])
    return response.status
