"""No name, number or address of a person stands anywhere but where it was paid for or is checked.

Every address that can be read is asked by every role, before a purchase and after it; then the
tables, the files, the doorbell and the log are searched for the same people.
"""

from __future__ import annotations

import contextlib
import html
import io
import json
import logging
import re
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import select, text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from exchange.admin.views.charts import TABLES
from exchange.billing.models import Posting
from exchange.catalog import queries
from exchange.catalog.scripts import Outcome
from exchange.core import events, jobs
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.idempotency import IdempotencyKey
from exchange.core.ids import encode
from exchange.identity.permissions import PAGES_ONLY
from exchange.leads.models import Batch, Import, Lead, Source
from exchange.leads.post_models import Post
from exchange.leads.rights import Erasure
from exchange.leads.services import erasures, sources
from exchange.market import queries as market
from exchange.market.auction_models import Auction
from exchange.market.contract_models import Contract, ContractSource
from exchange.market.offer_models import Offer
from exchange.verification.models import TaskStatus, VerificationTask
from exchange.verification.services import qualifications
from exchange.verification.worker_models import Qualification
from tests.cast import Cast, Player
from tests.doorbell import run_jobs
from tests.factories.auctions import bid, make_auction
from tests.factories.catalog import VERTICAL
from tests.factories.contracts import make_contract
from tests.factories.market import make_listing
from tests.factories.offers import approve, join, make_offer
from tests.factories.story import FAMILY, Story, open_house, trade
from tests.servers.stripe_sandbox import StripeSandbox
from tests.verification.lots import make_decided

# Where a contact is read, and by whom: the seller's own rows, what the buyer has bought, the one
# person whom a verifier calls. A buyer's pages open by POST and are looked at below.
ALLOWED = {
    ("seller", "sellers.questions"),
    ("seller", "sellers.columns"),
    ("seller", "sellers.rows"),
    ("seller", "sellers.draft_problems"),
    ("seller", "sellers.problems"),
    ("seller", "sellers_api.problems"),
    ("buyer", "fulfillment_api.bought_leads"),
    ("verifier", "verification.task"),
    ("verifier", "verification_api.claim_next"),
}
# These lead elsewhere, are gone once there is an operator, or are files of our own.
NOT_PAGES = {
    *("identity.index", "identity.found", "static"),
    *("sellers.show_import", "sellers.running", "leads.begin_again"),
    *("billing.checkout", "billing.onboarding"),
    "sources.challenge",  # a handshake with who knows the verify token
}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BYTES = re.compile(r"\\\\x([0-9a-f]+)")


class Searcher:
    """Knows everybody of the family and finds them in whatever form they are written."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._name = re.compile(FAMILY, re.IGNORECASE)
        self._digits = re.compile(r"\d(?:[\s().\-+]{0,2}\d){9,}")
        self.found: list[str] = []

    def is_in(self, written: str) -> bool:
        plain = unquote(html.unescape(written))
        numbers = {person["phone"][-10:] for person in self._story.people}
        runs = (re.sub(r"\D", "", run) for run in self._digits.findall(plain))
        return bool(self._name.search(plain)) or any(
            run[at : at + 10] in numbers for run in runs for at in range(len(run) - 9)
        )

    def look(self, where: str, written: str) -> None:
        """Remember the place if anybody is there."""
        if self.is_in(written):
            self.found.append(where)


class Rounds:
    """Every address that answers GET, asked by every role."""

    def __init__(self, app: Flask, story: Story, searcher: Searcher) -> None:
        self._app, self._story, self._searcher = app, story, searcher
        self.opened: set[tuple[str, str]] = set()
        self._read: set[str] = set()
        cast = story.cast
        self._players: dict[str, Player | None] = {
            "public": None,
            "seller": cast.seller,
            "buyer": cast.buyer,
            "verifier": cast.verifier,
            "operator": cast.admin,
            "other seller": cast.other_seller,
            "other buyer": cast.other_buyer,
        }
        self._keys = {role: _key_of(player) for role, player in self._players.items()}
        self.browsers = {role: self._browser(player) for role, player in self._players.items()}

    def walk(self, when: str) -> None:
        """Ask for everything; whoever is shown where nobody may be is remembered."""
        known = self._known_ids()
        for role, rule in product(self._players, self._rules()):
            for address in _addresses(rule, known):
                self._ask(role, rule, address, when=when)

    def unread(self) -> set[str]:
        """Addresses that nobody could read, so that nothing was proven about them."""
        return {rule.endpoint for rule in self._rules()} - self._read

    def _rules(self) -> list[Rule]:
        rules = self._app.url_map.iter_rules()
        return [r for r in rules if "GET" in (r.methods or ()) and r.endpoint not in NOT_PAGES]

    def _ask(self, role: str, rule: Rule, address: str, *, when: str) -> None:
        asked = (
            [self._keys[role]] if rule.rule.startswith("/api/") else [{}, {"HX-Request": "true"}]
        )
        for headers in asked:
            answer = self.browsers[role].get(address, headers=headers)
            assert answer.status_code < 500, (role, address, answer.text)
            self._look(role, rule, answer, where=f"{when}: {address} as {role} {headers}")
            if answer.status_code != 200:
                return
            self._read.add(rule.endpoint)

    def _look(self, role: str, rule: Rule, answer: TestResponse, *, where: str) -> None:
        place = (role, rule.endpoint)
        if place in ALLOWED:
            self._searcher.look(f"{where}, in the headers", str(answer.headers))
            if self._searcher.is_in(text_of(answer)):
                self.opened.add(place)
                assert "no-store" in answer.headers["Cache-Control"], where
        else:
            self._searcher.look(where, f"{answer.headers}\n{text_of(answer)}")

    def _browser(self, player: Player | None) -> FlaskClient:
        client = self._app.test_client()
        return player.sign_in(client) if player else client

    def _known_ids(self) -> dict[str, list[str]]:
        """What the variable parts of addresses can be."""
        story, claimed = self._story, VerificationTask.status == TaskStatus.CLAIMED
        postings = select(Posting.id).order_by(Posting.id).limit(2)
        lines = [line for order in story.orders for line in market.lines_of(order.id)]
        found = {
            "batch_id": [batch.public_id for batch in story.batches],
            "index": ["0"],
            "lead_id": [encode(Lead.PREFIX, line.lead_id) for line in lines[:2]]
            or [lead.public_id for lead in db.session.scalars(select(Lead).limit(2))],
            "import_id": [
                *(draft.public_id for draft in story.drafts),
                *(encode(Import.PREFIX, b.import_id) for b in story.batches if b.import_id),
            ],
            "source_id": [encode(Source.PREFIX, batch.source_id) for batch in story.batches],
            "listing_id": [story.listing.public_id],
            "auction_id": [found.public_id for found in db.session.scalars(select(Auction))],
            "order_id": [order.public_id for order in story.orders],
            "offer_id": [found.public_id for found in db.session.scalars(select(Offer))],
            "joined_id": [found.public_id for found in db.session.scalars(select(ContractSource))],
            "contract_id": [found.public_id for found in db.session.scalars(select(Contract))],
            "line_id": [line.public_id for line in (lines[0], *story.lines[:3])]
            + [line.public_id for line in story.per_action],
            "conversion_id": [found.public_id for found in story.actions],
            "return_id": [found.public_id for found in story.returns],
            "top_up_id": [top_up.public_id for top_up in story.top_ups],
            "payout_id": story.payouts,
            "posting_id": [encode("pst", row) for row in db.session.scalars(postings)],
            "organization_id": [
                one.organization.public_id for one in (story.cast.seller, story.cast.buyer)
            ],
            "task_id": [
                task.public_id
                for task in db.session.scalars(select(VerificationTask).where(claimed))
            ],
            "erasure_id": [found.public_id for found in db.session.scalars(select(Erasure))],
            "token": [*story.invitations[:1], *story.shared],
            "terms_id": story.terms,
            "post_id": [found.public_id for found in db.session.scalars(select(Post).limit(2))],
            "table": list(TABLES),
            "preset": ["meta"],
            "code": [VERTICAL],
            "qualification_id": [
                skill.public_id
                for skill in db.session.scalars(
                    select(Qualification).where(
                        Qualification.verifier_id == story.cast.verifier.user.id
                    )
                )
            ],
            "number": ["1"],
        }
        db.session.rollback()
        return found


def text_of(answer: TestResponse) -> str:
    """The body, of whatever kind."""
    return answer.get_data().decode(errors="replace")


def _key_of(player: Player | None) -> dict[str, str]:
    """Headers of a program that may do whatever a program of the player's may."""
    return player.key(*sorted(player.actor.permissions - PAGES_ONLY)) if player else {}


def _addresses(rule: Rule, known: dict[str, list[str]]) -> Iterator[str]:
    names = sorted(rule.arguments)
    for values in product(*(known[name] for name in names)):
        address = rule.rule
        for name, value in zip(names, values, strict=True):
            address = re.sub(rf"<(?:\w+:)?{name}>", value, address)
        yield f"{address}?quantity=2" if address.endswith("/buy") else address


@pytest.fixture
def story(app: Flask, cast: Cast) -> Story:
    # Nobody counts the rows of a transaction that is under way. What is planned for empty tables
    # would go through all rows of one for each row of another, and the walk is long.
    db.session.execute(text("SET LOCAL enable_nestloop = off"))
    db.session.commit()
    told = open_house(cast)
    db.session.commit()
    return told


def test_the_searcher_finds_people_in_every_spelling(story: Story) -> None:
    person, searcher = story.people[0], Searcher(story)
    national = person["phone"].removeprefix("+1")
    for written in (
        *(person["name"], person["phone"], person["email"], person["street"].upper()),
        f"call ({national[:3]}) {national[3:6]}-{national[6:]} now",
        f"0001{national}",
        person["email"].replace("@", "%40"),
        "Quillon &#90;arvik",
    ):
        assert searcher.is_in(written), written
    for masked in ("Q*** Z.", "+1 6** *** ** 12", "z***@example.com", "2026-11-25T10:00:00"):
        assert not searcher.is_in(masked), masked


def test_the_searches_find_what_is_planted(app: Flask, story: Story) -> None:
    person, searcher, redis = story.people[0], Searcher(story), jobs.redis_connection()
    folder = Path(app.config["SETTINGS"].data_folder)
    search_all(searcher, redis, folder)
    assert searcher.found == []
    events.record("tests.planted", subject=story.batches[0], actor=SYSTEM, note=person["name"])
    save(
        IdempotencyKey(
            scope=story.batches[0].organization_id,
            key="planted",
            request_hash=b"",
            status=200,
            headers={},
            body=person["phone"].encode(),
        )
    )
    redis.hset("rq:job:planted", "data", zlib.compress(person["email"].encode()))
    (folder / "planted.tmp").write_text(person["street"])
    search_all(searcher, redis, folder)
    (folder / "planted.tmp").unlink()
    planted = {"Redis at b'rq:job:planted'", "file planted.tmp", "table idempotency_key"}
    assert planted < set(searcher.found)
    assert any(place.startswith("table event") for place in searcher.found)


def test_nobody_is_shown_where_nobody_may_be(
    app: Flask, stripe: StripeSandbox, story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="exchange")
    searcher = Searcher(story)
    show_what_people_saw(story)
    begin_a_training(story)
    # It pays less than anybody asks, so that the story's leads are there to be bought.
    contract = make_contract(story.cast.buyer, price=1_00)
    joined = join(story.cast.seller, make_offer(story.cast.buyer, contract))
    approve(story.cast.buyer, joined)
    hold_an_auction(story)
    rounds = Rounds(app, story, searcher)
    erasures.erase(person="somebody@example.com", actor=SYSTEM)
    db.session.commit()
    rounds.walk("before the purchase")
    trade(story)
    reject_a_lot(story)
    search_doorbell(searcher, jobs.redis_connection())
    run_jobs()
    open_what_was_bought(rounds, story, searcher)
    rounds.walk("after the purchase")
    searcher.look("Stripe", json.dumps(stripe.state()))
    search_all(searcher, jobs.redis_connection(), Path(app.config["SETTINGS"].data_folder))
    for record in caplog.records:
        searcher.look(f"the log of {record.name}", f"{record.getMessage()} {record.exc_text}")
    assert searcher.found == []
    assert rounds.opened == ALLOWED
    assert rounds.unread() == set()


def show_what_people_saw(story: Story) -> None:
    """A picture on the card of every source, so that its address has something to give."""
    for source_id in {batch.source_id for batch in story.batches}:
        seller = story.cast.seller.actor
        sources.set_picture(source_id=source_id, stream=io.BytesIO(PNG), actor=seller)
    db.session.commit()


def hold_an_auction(story: Story) -> None:
    """A sealed bid in an open auction, so that its pages have something to give."""
    seller, people = story.cast.seller, story.family(3)
    auction = make_auction(seller, make_listing(seller, people=people, source="a third page"))
    bid(story.cast.buyer, auction, auction.floor.amount, units=2)
    db.session.commit()


def begin_a_training(story: Story) -> None:
    """Somebody who learns, so that the pages of the training have something to give."""
    vertical = queries.get_vertical(VERTICAL)
    qualifications.begin(
        verifier_id=story.cast.verifier.user.id,
        vertical_id=vertical.id,
        language=vertical.language,
        actor=story.cast.verifier.actor,
    )
    db.session.commit()


def reject_a_lot(story: Story) -> None:
    """A lot about which its seller has to choose: the page of the choice is asked of no other."""
    rejected = make_decided(story.cast.other_seller, others=Outcome.NUMBER_DEAD)
    story.batches.append(db.session.get_one(Batch, rejected.batch_id))
    db.session.commit()


def open_what_was_bought(rounds: Rounds, story: Story, searcher: Searcher) -> None:
    """The three doors that open: one contact, those of an order, a file of them; no other buyer's."""
    order, line = story.orders[-1].public_id, story.lines[-1].public_id
    db.session.rollback()
    for number, path in enumerate(
        (f"leads/{line}/contact", f"orders/{order}/contacts", f"orders/{order}/export")
    ):
        form = {"idempotency_key": f"opening-{number}"}
        answer = rounds.browsers["buyer"].post(f"/buyers/{path}", data=form)
        assert answer.status_code == 200, answer.text
        assert searcher.is_in(answer.text), path
        assert "no-store" in answer.headers["Cache-Control"]
        searcher.look(f"headers of {path}", str(answer.headers))
        for role in ("other buyer", "seller", "operator", "verifier", "public"):
            refused = rounds.browsers[role].post(f"/buyers/{path}", data=form)
            assert refused.status_code in {302, 303, 403, 404}, (role, path)
            searcher.look(f"{path} as {role}", f"{refused.headers}\n{refused.text}")


def search_all(searcher: Searcher, redis: Redis, folder: Path) -> None:
    search_doorbell(searcher, redis)
    search_tables(searcher)
    search_files(searcher, folder)


def search_doorbell(searcher: Searcher, redis: Redis) -> None:
    """Jobs by their packed arguments, and whatever else lies in Redis."""
    for name in redis.scan_iter():
        for value in (name, *_values_of(redis, name)):
            with contextlib.suppress(zlib.error):
                value = zlib.decompress(value)  # noqa: PLW2901  # RQ packs what a job is called with
            searcher.look(f"Redis at {name!r}", value.decode("latin-1"))


def _values_of(redis: Redis, name: bytes) -> list[bytes]:
    found: Any  # Any: redis-py cannot know that nobody asked it to decode
    match redis.type(name):
        case b"string":
            found = [redis.get(name) or b""]
        case b"hash":
            found = redis.hgetall(name).values()
        case b"list":
            found = redis.lrange(name, 0, -1)
        case b"set":
            found = redis.smembers(name)
        case _:
            found = redis.zrange(name, 0, -1)
    return list(found)


def search_tables(searcher: Searcher) -> None:
    """Every row of every table: facts of events, notices, drafts, kept answers, all of it."""
    tables = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')"
    )
    for table in db.session.scalars(text(tables)).all():
        rows = db.session.scalars(text(f'SELECT row_to_json(t)::text FROM "{table}" AS t')).all()
        for row in rows:
            # Ids and sealed bytes are full of digits that mean nothing; bytes are read as text.
            inside = (bytes.fromhex(found).decode("latin-1") for found in BYTES.findall(row))
            searcher.look(f"table {table}", UUIDS.sub("", BYTES.sub("", row)) + " ".join(inside))


def search_files(searcher: Searcher, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files, "an upload is kept"
    for path in files:
        searcher.look(f"file {path.name}", path.read_bytes().decode("latin-1"))
