"""Processes are killed with -9 in the middle of their work, and Redis forgets everything.

What was begun is finished by whoever comes after; what a client repeats under its key happens
once. The control repeats without a key, and must buy twice: else the kills would prove nothing.
"""

from __future__ import annotations

import io
import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind, Posting, Reason
from exchange.catalog import queries as catalog
from exchange.config import Settings
from exchange.core import clock, events, jobs
from exchange.core.db import db, parse_id, save, unit_of_work
from exchange.core.idempotency import IdempotencyKey
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.fulfillment.models import Delivery, DeliveryStatus
from exchange.leads import queries as leads
from exchange.leads import samples, seal
from exchange.leads.confined_child import BLOCK_ROWS
from exchange.leads.models import Batch, BatchStatus, Fingerprint, Lead, ProblemRow
from exchange.market.models import Order, OrderLine, OrderStatus
from tests.cast import Cast, Player, make_cast
from tests.doorbell import rung
from tests.factories.billing import fund_wallet
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.leads import make_batch
from tests.factories.market import make_listing, place
from tests.servers import house
from tests.waiting import eventually

pytestmark = pytest.mark.commits

# The file
ROWS, SHORT = 4 * BLOCK_ROWS, 500
REPEATED, DEFECTS = 100, {"short_code": 50, "consent_missing": 30, "email_invalid": 20}
FORM = {"vertical": VERTICAL, "price": "4500", "declared_unsold": "true"}

# The purchases
PRICE = 45_00
CLIENTS, LEADS, WALLET = 6, 1_000, 2_000 * PRICE
BETWEEN_KILLS = 6  # answers
PLAN, SHORT_PLAN = ("child", "master", "child"), ("child", "child")
PAUSE_SECONDS = 0.2
SECONDS = 120  # a deadline, not what it takes


def look() -> None:
    """See the tables as they are now."""
    db.session.rollback()


# A worker in the middle of a file


def a_file(rows: int) -> bytes:
    """So many rows, some of them spoilt, the last ones people who stand further up."""
    definition, random = catalog.get_definition(catalog.get_vertical(VERTICAL)), Random(5)
    people = samples.invented_rows(
        definition, random=random, count=rows - REPEATED, now=clock.now()
    )
    spoilt = samples.plant(people, random=random, defects=DEFECTS)
    whole = [row for number, row in enumerate(people, start=1) if number not in spoilt]
    return samples.as_csv(definition, people + whole[:REPEATED])


def upload(url: str, headers: dict[str, str], content: bytes) -> str:
    response = requests.post(
        f"{url}/api/v1/batches",
        data=FORM,
        files={"file": ("leads.csv", content)},
        headers={**headers, "Idempotency-Key": "the-file"},
        timeout=60,
    )
    assert response.status_code == 202, response.text
    assert response.json()["status"] == "validating", response.text
    return str(response.json()["id"])


def rows_done(batch_id: str) -> int:
    look()
    return db.session.get_one(Batch, parse_id(batch_id, Batch)).rows_done


def killed_after(worker: house.Child, batch_id: str, *, rows: int) -> int:
    """Kill the worker and its fork once so many rows are in; how many were in then."""
    eventually(lambda: rows_done(batch_id) >= rows, seconds=SECONDS)
    forks = house.children_of(worker.pid)
    assert forks, "nobody was at work"
    worker.kill()
    eventually(lambda: not [pid for pid in forks if house.runs(pid)])
    done = rows_done(batch_id)
    assert rows <= done < ROWS, "the kill came too late to prove anything"
    return done


def test_file_is_taken_in_whole_although_its_workers_are_killed(committed: Flask) -> None:
    settings, seller = committed.config["SETTINGS"], make_cast().seller
    make_vertical()
    headers = seller.key("batch:upload", "batch:read")
    content = a_file(ROWS)
    db.session.commit()
    with ExitStack() as stack:
        scheduler = stack.enter_context(house.scheduler(settings))
        first = stack.enter_context(house.worker(settings))
        server = stack.enter_context(house.web(settings))
        batch_id = upload(server.url, headers, content)
        done = killed_after(first, batch_id, rows=1)
        # The scheduler lives: it rings, and the next worker goes on.
        second = stack.enter_context(house.worker(settings))
        killed_after(second, batch_id, rows=done + 1)
        # Nobody lives: as after a power cut, all start again.
        scheduler.kill()
        stack.enter_context(house.worker(settings))
        stack.enter_context(house.scheduler(settings))
        eventually(lambda: status_of(batch_id) is BatchStatus.SEALED, seconds=SECONDS)
    taken_in_whole(batch_id, rows=ROWS)


def status_of(batch_id: str) -> BatchStatus:
    look()
    return db.session.get_one(Batch, parse_id(batch_id, Batch)).status


def taken_in_whole(batch_id: str, *, rows: int) -> None:
    """Every row is in one state, every person in one lead, and the seal is over all of them."""
    batch = db.session.get_one(Batch, parse_id(batch_id, Batch))
    invalid = sum(DEFECTS.values())
    assert (batch.rows_total, batch.rows_done, batch.in_review) == (rows, rows, 0)
    assert (batch.invalid, batch.duplicate, batch.suppressed) == (invalid, REPEATED, 0)
    assert batch.valid == batch.population == rows - invalid - REPEATED
    ended = Counter(
        (
            *db.session.scalars(select(Lead.row_number).where(Lead.batch_id == batch.id)),
            *db.session.scalars(select(ProblemRow.row_number)),
        )
    )
    assert set(ended) == set(range(1, rows + 1))
    assert set(ended.values()) == {1}
    people = select(func.count(func.distinct(Fingerprint.lead_id))).join(
        Lead, (Lead.id == Fingerprint.lead_id) & (Lead.batch_id == batch.id)
    )
    assert db.session.scalar(people) == batch.valid
    assert batch.merkle_root == seal.merkle_root(leads.leaves(batch.id))
    assert violations() == []


# A web server in the middle of purchases


@dataclass
class Kills:
    """Kills by plan: a process that serves while an answer of its is on the way, or the master.

    Between two kills everybody gets a few answers; after the last one the rush is over.
    """

    server: house.Supervised
    plan: Sequence[str]
    answers: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, redis: Redis) -> None:
        try:
            for whom in self.plan:
                self.wait_for_answers()
                if whom == "master":
                    self.server.kill_master()
                else:
                    os.kill(self.busy(redis), signal.SIGKILL)
            self.wait_for_answers()
        finally:
            self.over.set()

    def wait_for_answers(self) -> None:
        enough = self.answers + BETWEEN_KILLS
        eventually(lambda: self.answers >= enough, seconds=SECONDS)

    def busy(self, redis: Redis) -> int:
        """A serving process that has done something and not said so yet."""
        found: set[int] = set()

        def look_for_one() -> bool:
            leaving = {
                int(pid) for pid, count in redis.hgetall(house.LEAVING).items() if int(count) > 0
            }
            found.update(leaving.intersection(self.server.children()))
            return bool(found)

        eventually(look_for_one, seconds=SECONDS)
        return found.pop()


@dataclass
class Client:
    """A program that wants some orders and repeats each until it hears an answer."""

    name: str
    headers: dict[str, str]
    listing_id: str
    with_keys: bool  # one per intention; without, each repeat has a new one
    heard: dict[str, tuple[str, int]] = field(default_factory=dict)  # order and leads by intention
    replayed: int = 0

    def run(self, kills: Kills) -> None:
        random, pause = Random(self.name), threading.Event()
        while not kills.over.is_set():
            intention, quantity = f"{self.name}-{len(self.heard)}", random.choice((1, 1, 2, 3))
            while not self.ask(kills.server.url, intention, quantity):
                pause.wait(PAUSE_SECONDS)
            kills.answers += 1

    def ask(self, url: str, intention: str, quantity: int) -> bool:
        """One try; whether it brought an answer that says what became of the intention."""
        key = intention if self.with_keys else f"{intention}-{uuid4()}"
        order: dict[str, str | int] = {
            "listing_id": self.listing_id,
            "quantity": quantity,
            "terms_version": 1,
        }
        try:
            response = requests.post(
                f"{url}/api/v1/orders",
                json=order,
                headers={**self.headers, "Idempotency-Key": key},
                timeout=(5, 20),
            )
        except requests.RequestException:  # killed, or not there again yet
            return False
        if response.status_code in {409, 503}:  # the first one still runs, or a lock took too long
            return False
        assert response.status_code == 201, response.text
        self.replayed += response.headers.get("Idempotent-Replayed") == "true"
        self.heard[intention] = (response.json()["id"], len(response.json()["lines"]))
        assert self.heard[intention][1] == quantity
        return True


@dataclass(frozen=True)
class Rush:
    """What the clients know in the end, and who bought for them."""

    buyer: Player
    seller: Player
    clients: list[Client]

    @property
    def orders(self) -> dict[str, int]:
        """How many leads by every order that somebody was told of."""
        return dict(heard for client in self.clients for heard in client.heard.values())

    @property
    def answers(self) -> int:
        return sum(len(client.heard) for client in self.clients)


def rush(settings: Settings, *, plan: Sequence[str], with_keys: bool) -> Rush:
    """Let all buy at once while the server is killed again and again."""
    cast = make_cast()
    listing = make_listing(cast.seller, make_batch(cast.seller, leads=LEADS, price=PRICE))
    fund_wallet(cast.buyer, WALLET)
    headers = cast.buyer.key("order:place", "order:read")
    clients = [
        Client(f"client{number}", headers, listing.public_id, with_keys)
        for number in range(CLIENTS)
    ]
    db.session.commit()
    with house.supervised_web(settings, application="tests.servers.dawdling:app") as server:
        kills = Kills(server, plan)
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            running = [pool.submit(client.run, kills) for client in clients]
            running.append(pool.submit(kills.run, jobs.redis_connection()))
            for ended in running:
                ended.result()
    look()
    return Rush(cast.buyer, cast.seller, clients)


def test_purchase_is_made_once_however_often_the_server_is_killed(committed: Flask) -> None:
    told = rush(committed.config["SETTINGS"], plan=PLAN, with_keys=True)
    assert sum(client.replayed for client in told.clients) > 0, "no answer was lost on its way"
    # Every intention has one order of its own, and no order is there that nobody was told of.
    assert len(told.orders) == told.answers
    lines = select(Order.id, func.count()).join(OrderLine, OrderLine.order_id == Order.id)
    made = {row[0]: row[1] for row in db.session.execute(lines.group_by(Order.id))}
    assert made == {parse_id(name, Order): count for name, count in told.orders.items()}
    assert set(db.session.scalars(select(Order.status))) == {OrderStatus.FULFILLED}
    assert db.session.scalar(select(func.count()).select_from(IdempotencyKey)) == told.answers
    held = select(func.count()).where(Posting.reason == Reason.HELD)
    assert db.session.scalar(held) == told.answers
    assert_money(told, leads_bought=sum(made.values()))
    assert violations() == []


def assert_money(told: Rush, *, leads_bought: int) -> None:
    """What was bought was paid once, the seller has it pending, nothing hangs in between."""
    assert balance(told.buyer, AccountKind.WALLET) == WALLET - leads_bought * PRICE
    assert balance(told.buyer, AccountKind.HELD) == 0
    assert balance(told.seller, AccountKind.PENDING) == leads_bought * PRICE


def balance(player: Player, kind: AccountKind) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


def test_the_control_buys_twice(committed: Flask) -> None:
    told = rush(committed.config["SETTINGS"], plan=SHORT_PLAN, with_keys=False)
    made = db.session.scalar(select(func.count()).select_from(Order)) or 0
    assert made > told.answers, "nothing was bought twice: the kills prove nothing"


# A doorbell that forgets


def test_sweeps_find_what_redis_forgot(committed: Flask) -> None:
    settings, cast = committed.config["SETTINGS"], make_cast()
    make_vertical()
    delivery = undelivered(cast)
    batch_id = upload_here(committed.test_client(), cast.seller, a_file(SHORT))
    with unit_of_work():
        jobs.enqueue("fulfillment.deliver", delivery.id)
    assert rung() >= {"leads.take_in", "fulfillment.deliver"}
    jobs.redis_connection().flushdb()  # this process's own database of the doorbell
    assert rung() == set()
    with house.worker(settings), house.scheduler(settings):
        eventually(lambda: fresh(delivery).status is DeliveryStatus.ACKNOWLEDGED, seconds=SECONDS)
        eventually(lambda: status_of(batch_id) is BatchStatus.SEALED, seconds=SECONDS)
    taken_in_whole(batch_id, rows=SHORT)
    assert balance(cast.buyer, AccountKind.HELD) == 0
    assert balance(cast.seller, AccountKind.PENDING) == 2 * PRICE


def upload_here(client: FlaskClient, seller: Player, content: bytes) -> str:
    """The same upload, through the door in this process."""
    headers = seller.key("batch:upload")
    answer = client.post(
        "/api/v1/batches",
        data={**FORM, "file": (io.BytesIO(content), "leads.csv")},
        headers={**headers, "Idempotency-Key": "the-file"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def undelivered(cast: Cast) -> Delivery:
    """A confirmed order whose delivery still waits, as a way slower than the portal leaves it."""
    portal = events.LISTENERS.pop("order.confirmed")
    try:
        fund_wallet(cast.buyer)
        order = place(cast.buyer, make_listing(cast.seller, leads=2, price=PRICE), 2)
    finally:
        events.LISTENERS["order.confirmed"] = portal
    deliver_by = clock.now() + timedelta(hours=24)
    return save(Delivery(order_id=order.id, organization_id=order.buyer_id, deliver_by=deliver_by))


def fresh(delivery: Delivery) -> Delivery:
    look()
    db.session.refresh(delivery)
    return delivery
