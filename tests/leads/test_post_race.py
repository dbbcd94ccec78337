"""The same person from ten sellers at the same moment, on a database where commits are real.

One lead lives and nine posts say since when. The control takes the guard away and must keep more.
"""

from __future__ import annotations

import threading
from collections import Counter
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.invariants import violations
from exchange.identity.permissions import OrganizationKind
from exchange.leads import post_queries
from exchange.leads.models import Batch, BatchStatus, Lead, LeadStatus
from exchange.leads.post_models import Post, SourceTerms
from exchange.leads.services import lots, posts, sources, writing
from tests.cast import make_company
from tests.factories.leads import make_person
from tests.factories.posts import make_body, make_terms
from tests.racing import THREADS, Client, meeting, race

pytestmark = pytest.mark.commits
SELLERS = 10


def make_seller(number: int) -> dict[str, str]:
    """A seller with standing terms; the headers of its program."""
    email, name = f"seller{number}@race.example", f"Racer {number}"
    player = make_company(email, OrganizationKind.SELLER, name)
    make_terms(player)
    return player.key("lead:post")


@pytest.fixture
def sellers(committed) -> list[dict[str, str]]:
    return [make_seller(number) for number in range(SELLERS)]


def poster(app: Flask, headers: dict[str, str], body: dict[str, object]) -> Client:
    """One post by HTTP; its status, after being told to try again where it was."""

    def send() -> str:
        while (
            response := app.test_client().post("/api/v1/leads", json=body, headers=headers)
        ) and (response.status_code == 503):
            pass
        found = response.json
        if response.status_code != 201:
            return str(found["code"])
        return f"{found['status']}{' since' if found['since'] else ''}"

    return send


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def race_one_person(app: Flask, sellers: list[dict[str, str]]) -> Counter[str]:
    body = make_body(make_person())
    return race(app, [poster(app, headers, body) for headers in sellers])


def test_one_lives_and_nine_say_since_when(committed, sellers):
    for _ in range(5):
        outcomes = race_one_person(committed, sellers)
        assert outcomes == {"queued_for_check": 1, "duplicate since": 9}
    assert count(Lead) == 5
    assert count(Post) == 50
    assert violations() == []


def test_one_seller_posting_many_people_at_once_fills_one_lot(committed, sellers):
    bodies = [make_body() for _ in range(30)]
    outcomes = race(committed, [poster(committed, sellers[0], body) for body in bodies])
    assert outcomes == {"queued_for_check": 30}
    lot = db.session.scalars(select(Batch)).one()
    assert (lot.rows_done, lot.valid) == (30, 30)
    assert violations() == []


def test_lots_are_full_to_the_lead_however_many_post_at_once(committed, sellers, monkeypatch):
    monkeypatch.setattr(lots, "LEADS_MAX", 5)
    bodies = [make_body() for _ in range(30)]
    race(committed, [poster(committed, sellers[0], body) for body in bodies])
    found = db.session.scalars(select(Batch)).all()
    assert [(lot.status, lot.rows_done, lot.population) for lot in found] == [
        (BatchStatus.SEALED, 5, 5)
    ] * 6
    assert violations() == []


def test_one_external_id_at_once_is_one_lead(committed, sellers):
    body = make_body(external_id="crm-7")
    outcomes = race(committed, [poster(committed, sellers[0], body)] * 10)
    assert outcomes == {"queued_for_check": 10}
    assert (count(Lead), count(Post)) == (1, 1)


@pytest.fixture
def stopped_meanwhile(committed, sellers, monkeypatch) -> None:
    """The first seller's source sells at once and is stopped while its first post is under way."""
    terms = db.session.scalars(select(SourceTerms).order_by(SourceTerms.id)).first()
    assert terms is not None
    terms.trusted_since, source_id = clock.now(), terms.source_id
    db.session.commit()
    take_lot = lots.take_lot

    def stop() -> None:
        with committed.app_context(), unit_of_work():
            sources.stop_source(source_id=source_id, reason="fraud", actor=SYSTEM)

    def take_late(*args, **named):
        stopping = threading.Thread(target=stop)
        stopping.start()
        stopping.join()
        return take_lot(*args, **named)

    monkeypatch.setattr(lots, "take_lot", take_late)


def test_a_source_that_is_stopped_while_a_lead_comes_does_not_sell_it(
    committed, sellers, stopped_meanwhile
):
    assert poster(committed, sellers[0], make_body())() == "source_stopped"
    db.session.rollback()
    assert count(Lead) == 0
    assert violations() == []


@pytest.mark.control
def test_the_control_sells_a_lead_of_a_stopped_source(
    committed, sellers, stopped_meanwhile, monkeypatch
):
    monkeypatch.setattr(sources, "hold_open", lambda _source_id: None)
    assert poster(committed, sellers[0], make_body())() == "accepted"
    db.session.rollback()
    assert db.session.scalars(select(Lead.status)).all() == [LeadStatus.VALID]


@pytest.mark.control
def test_the_control_keeps_the_same_person_more_than_once(committed, sellers, monkeypatch):
    monkeypatch.setattr(writing, "claim_fingerprints", lambda _claims, **_: set())
    monkeypatch.setattr(post_queries, "known_since", lambda *_, **__: None)
    outcomes = race_one_person(committed, sellers)
    assert outcomes == {"queued_for_check": 10}
    assert count(Lead) == 10


@pytest.mark.control
def test_the_control_opens_lots_beside_each_other(committed, sellers, monkeypatch):
    """Without the lock on the terms and the index of open lots, a source has several that grow."""
    find, meet = post_queries.find_open_lot, meeting()

    def look(terms: SourceTerms) -> UUID | None:
        found = find(terms)
        meet()
        return found

    monkeypatch.setattr(posts, "lock", db.session.get)
    monkeypatch.setattr(post_queries, "find_open_lot", look)
    with psycopg.connect(committed.config["SETTINGS"].database_url, autocommit=True) as owner:
        owner.execute("DROP INDEX ix_batch_source_id_vertical_id_contract_id")
    bodies = [make_body() for _ in range(THREADS)]
    race(committed, [poster(committed, sellers[0], body) for body in bodies])
    assert count(Batch) == THREADS
