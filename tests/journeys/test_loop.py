"""The whole loop over HTTP: from a seller's file to the seller's payout, to the cent.

Every step goes through a door, as a program or a browser would; after every step all invariants
hold. The clock is moved through its own door, workers and sweeps run in this process.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from exchange.billing import queries
from exchange.billing.models import AccountKind
from exchange.catalog import queries as catalog
from exchange.core import clock, jobs
from exchange.core.db import db, parse_id
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.leads import samples
from exchange.leads.models import Batch, Lead
from exchange.verification.models import Inspection, VerificationTask
from tests.cast import Cast, Player
from tests.doorbell import run_jobs
from tests.factories.catalog import make_vertical
from tests.servers.stripe_sandbox import StripeSandbox

Json = dict[str, Any]
ROWS, BOUGHT, PRICE = 1_000, 50, 45_00
TOP_UP = 3_000_00
FEE = TOP_UP * 29 // 1_000 + 30  # what the sandbox keeps: 2.9 % and 30 cents
COMMISSION = PRICE * 1_800 // 10_000  # 18 %, rounded down: the seller loses nothing
RESERVE = PRICE * 1_500 // 10_000  # a new seller: 15 %
DEFECTS = {"short_code": 12, "consent_missing": 9, "email_invalid": 6}
REPEATED = 8
SEVENTY_THREE_HOURS = 73 * 3_600
TOKENS = count(1)


def step_aside() -> None:
    """End the test's own look at the tables: its savepoint must not lie around that of a door."""
    db.session.rollback()


@dataclass
class Browser:
    """A person at the pages, in a browser of their own."""

    client: FlaskClient
    player: Player

    def __post_init__(self) -> None:
        self.player.sign_in(self.client)

    def post(self, path: str, **form: str) -> str:
        step_aside()
        token = f"form-{next(TOKENS)}"  # as each page prints one into its form
        answer = self.client.post(path, data={"idempotency_key": token, **form})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return answer.headers["Location"]


@dataclass
class Story:
    """The doors as the journey uses them."""

    client: FlaskClient
    cast: Cast
    stripe: StripeSandbox
    post_events: Callable[[], int]
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    calls: int = 0

    def send(self, who: str, method: str, path: str, **options: Any) -> Json:
        """One call as the program of somebody; every answer must be a good one."""
        self.calls += 1
        step_aside()
        headers = {**self.keys[who], "Idempotency-Key": f"call-{self.calls}"}
        answer = self.client.open(
            f"/api/v1{path}",
            method=method,
            headers={**headers, **options.pop("headers", {})},
            **options,
        )
        assert answer.status_code < 300, (path, answer.get_json())
        self.holds()
        return answer.get_json() if answer.status_code != 204 else {}

    def work(self) -> None:
        """What worker and scheduler do in the meantime."""
        step_aside()
        run_jobs()
        for name in jobs.SWEEPS:
            jobs.run_sweep(name)
        run_jobs()
        self.holds()

    def holds(self) -> None:
        """The books add up and the counts agree, after every step."""
        assert violations() == []
        step_aside()

    def balance(self, kind: AccountKind, player: Player | None = None) -> int:
        """A balance in cents, read from the ledger."""
        if player is None:
            return queries.platform_balance(kind, Currency.USD).amount
        return queries.balance(player.organization.id, kind, Currency.USD).amount


@pytest.fixture
def story(
    client: FlaskClient, cast: Cast, stripe: StripeSandbox, post_events: Callable[[], int]
) -> Story:
    make_vertical("home_improvement_us")
    db.session.commit()
    keys = {
        "seller": cast.seller.key("batch:upload", "batch:read", "payout:request", "money:read"),
        "buyer": cast.buyer.key(
            *("market:read", "order:place", "order:read", "contact:open", "return:request"),
            *("wallet:top_up", "money:read"),
        ),
        "verifier": cast.verifier.key("task:work"),
        "second": cast.second_verifier.key("task:work"),
        "admin": cast.admin.key("clock:move"),
    }
    return Story(client, cast, stripe, post_events, keys)


def the_file() -> bytes:
    """A thousand rows with planted defects; whoever answers the phone confirms."""
    definition = catalog.get_definition(catalog.get_vertical("home_improvement_us"))
    random = Random(11)
    rows = samples.invented_rows(definition, random=random, count=ROWS, now=clock.now())
    samples.plant(rows, random=random, defects=DEFECTS)
    good = [
        row for row in rows if row["phone"] != "12345" and row["consent_at"] and "@" in row["email"]
    ]
    return samples.as_csv(definition, rows + good[:REPEATED])


def test_one_batch_from_upload_to_payout(story: Story):
    batch = upload(story)
    held_back = check(story, batch)
    listing = listed(story)
    top_up(story)
    order = buy(story, listing, held_back)
    deliver(story, order)
    failed_check(story, held_back)
    upheld, denied = returns(story, order, held_back)
    decide(story, upheld, denied)
    settle(story, order)
    pay_out(story)
    recomputed(story, batch)


def upload(story: Story) -> Json:
    boundary, body = encode_multipart(
        {
            "vertical": "home_improvement_us",
            "source": "Search ads",
            "price": str(PRICE),
            "declared_unsold": "true",
            "file": FileStorage(io.BytesIO(the_file()), "october.csv"),
        }
    )
    kind = f"multipart/form-data; boundary={boundary}"
    batch = story.send("seller", "POST", "/batches", data=body, content_type=kind)
    assert batch["status"] == "validating"
    story.work()
    batch = story.send("seller", "GET", f"/batches/{batch['id']}")
    invalid = sum(DEFECTS.values())
    assert batch["status"] == "sealed"
    assert batch["counts"] == {
        "rows": ROWS + REPEATED,
        "rows_total": ROWS + REPEATED,
        "valid": ROWS - invalid,
        "in_review": 0,
        "invalid": invalid,
        "duplicate": REPEATED,
        "suppressed": 0,
    }
    record = story.send("seller", "GET", f"/batches/{batch['id']}/draw")
    assert record["secret"] is None if "secret" in record else True
    story.send("seller", "POST", f"/batches/{batch['id']}/nonce", json={"nonce": "my own words"})
    assert story.send("seller", "GET", f"/batches/{batch['id']}")["status"] == "sampling"
    return batch


def check(story: Story, batch: Json) -> Json:
    """Two verifiers call. The second stays on the phone while the first brings the decision."""
    first = 0
    tasks = [story.send("verifier", "GET", "/verification/tasks/next")]
    # Whom the second verifier gets must stand behind the deciding look, or the lot would wait.
    while True:
        held_back = story.send("second", "GET", "/verification/tasks/next")
        if position_of(held_back) > 22:
            break
        verdict(story, "second", held_back, "confirmed")
    task = tasks[0]
    while status_of(story, batch) == "sampling":
        verdict(story, "verifier", task, "confirmed")
        first += 1
        task = story.send("verifier", "GET", "/verification/tasks/next")
    shown = story.send("seller", "GET", f"/batches/{batch['id']}")
    assert shown["status"] == "accepted"
    quality = shown["quality"]
    assert (quality["n"], quality["good"], quality["bad"], quality["open"]) == (22, 22, 0, 0)
    assert 0.10 < quality["bad_upper"] < 0.13
    return held_back


def verdict(story: Story, who: str, task: Json, outcome: str) -> Json:
    form = {"lease_number": task["lease_number"], "outcome": outcome}
    return story.send(who, "POST", f"/verification/tasks/{task['id']}/verdict", json=form)


def position_of(task: Json) -> int:
    row = db.session.get(VerificationTask, parse_id(task["id"], VerificationTask))
    position = db.session.get(Inspection, row.inspection_id).position
    assert position is not None
    return position


def lead_of(task: Json) -> Lead:
    row = db.session.get(VerificationTask, parse_id(task["id"], VerificationTask))
    return db.session.get(Lead, db.session.get(Inspection, row.inspection_id).lead_id)


def status_of(story: Story, batch: Json) -> str:
    return story.send("seller", "GET", f"/batches/{batch['id']}")["status"]


def listed(story: Story) -> Json:
    story.work()
    found = story.send("buyer", "GET", "/listings")["data"]
    assert len(found) == 1
    assert found[0]["price"] == {"amount": PRICE, "currency": "USD"}
    masked = story.send("buyer", "GET", f"/listings/{found[0]['id']}/leads")
    people = {p for row in masked["data"] for p in row["preview"].values()}
    assert all("*" in text for text in people)
    return found[0]


def top_up(story: Story) -> None:
    asked = {"amount": {"amount": TOP_UP, "currency": "USD"}}
    started = story.send("buyer", "POST", "/top_ups", json=asked)
    ready = story.send("buyer", "GET", f"/top_ups/{started['id']}")
    assert ready["checkout_url"].startswith("http")
    session = story.stripe.state()["objects"]
    story.stripe.pay(next(name for name in flatten(session) if name.startswith("cs_")))
    assert story.balance(AccountKind.WALLET, story.cast.buyer) == 0
    assert story.post_events() > 0
    story.work()
    assert story.balance(AccountKind.WALLET, story.cast.buyer) == TOP_UP
    assert abs(story.balance(AccountKind.PROCESSING_FEES)) == FEE
    assert story.balance(AccountKind.CASH) == -(TOP_UP - FEE)


def flatten(objects: Any) -> list[str]:
    if isinstance(objects, dict):
        return [name for key, value in objects.items() for name in (key, *flatten(value))]
    if isinstance(objects, list):
        return [name for value in objects for name in flatten(value)]
    return [objects] if isinstance(objects, str) else []


def buy(story: Story, listing: Json, held_back: Json) -> Json:
    """Fifty leads, among them the one that is still being called."""
    wanted = [lead_of(held_back).public_id]
    cursor = None
    while len(wanted) < BOUGHT:
        query = f"?limit=100&cursor={cursor}" if cursor else "?limit=100"
        page = story.send("buyer", "GET", f"/listings/{listing['id']}/leads{query}")
        fresh = [row["id"] for row in page["data"] if row["id"] not in wanted]
        wanted += fresh[: BOUGHT - len(wanted)]
        cursor = page["next_cursor"]
    order = story.send(
        "buyer",
        "POST",
        "/orders",
        json={
            "listing_id": listing["id"],
            "lead_ids": wanted,
            "terms_version": listing["terms_version"],
        },
    )
    assert order["total"] == {"amount": BOUGHT * PRICE, "currency": "USD"}
    assert story.balance(AccountKind.WALLET, story.cast.buyer) == TOP_UP - BOUGHT * PRICE
    return order


def deliver(story: Story, order: Json) -> None:
    story.work()
    seen = story.send("buyer", "GET", f"/orders/{order['id']}")
    assert seen["status"] == "fulfilled"
    assert {line["status"] for line in seen["lines"]} == {"delivered"}
    assert story.balance(AccountKind.HELD, story.cast.buyer) == 0
    assert story.balance(AccountKind.PENDING, story.cast.seller) == BOUGHT * PRICE
    people = story.send("buyer", "GET", f"/orders/{order['id']}/leads")["data"]
    assert len(people) == BOUGHT
    assert all(person["contact"]["phone"].startswith("+1") for person in people)


def failed_check(story: Story, held_back: Json) -> None:
    """The call ends after the sale: the number is dead, and the money comes back unasked.

    Another verifier finds the same before anything happens.
    """
    verdict(story, "second", held_back, "number_dead")
    story.work()
    assert story.send("buyer", "GET", "/returns")["data"] == []
    again = story.send("verifier", "GET", "/verification/tasks/next")
    assert again["id"] == held_back["id"]
    verdict(story, "verifier", again, "number_dead")
    story.work()
    found = story.send("buyer", "GET", "/returns")["data"]
    assert [(r["reason"], r["outcome"]) for r in found] == [("failed_check", "approved")]
    assert story.balance(AccountKind.WALLET, story.cast.buyer) == TOP_UP - (BOUGHT - 1) * PRICE


def returns(story: Story, order: Json, held_back: Json) -> tuple[Json, Json]:
    gone = lead_of(held_back).public_id
    lines = [
        line
        for line in story.send("buyer", "GET", f"/orders/{order['id']}")["lines"]
        if line["lead_id"] != gone
    ]
    asked = [
        story.send(
            "buyer", "POST", "/returns", json={"line_id": line["id"], "reason": reason, "note": "x"}
        )
        for line, reason in zip(lines, ("never_requested", "outside_criteria"), strict=False)
    ]
    assert {r["status"] for r in asked} == {"in_recheck"}
    return asked[0], asked[1]


def decide(story: Story, upheld: Json, denied: Json) -> None:
    admin = Browser(story.client.application.test_client(), story.cast.admin)
    for found, outcome in ((upheld, "approved"), (denied, "denied")):
        admin.post(
            f"/admin/returns/{found['id']}/decide", outcome=outcome, explanation="We listened."
        )
        story.holds()
    story.work()
    assert story.balance(AccountKind.WALLET, story.cast.buyer) == TOP_UP - (BOUGHT - 2) * PRICE


def settle(story: Story, order: Json) -> None:
    story.send("admin", "POST", "/test/clock/advance", json={"seconds": SEVENTY_THREE_HOURS})
    story.work()
    sold, seller = BOUGHT - 2, story.cast.seller
    assert story.send("buyer", "GET", f"/orders/{order['id']}")["status"] == "settled"
    assert story.balance(AccountKind.PENDING, seller) == 0
    assert story.balance(AccountKind.COMMISSION) == sold * COMMISSION
    assert story.balance(AccountKind.RESERVE, seller) == sold * RESERVE
    assert story.balance(AccountKind.PAYABLE, seller) == sold * (PRICE - COMMISSION - RESERVE)


def pay_out(story: Story) -> None:
    seller = story.cast.seller
    payable = (BOUGHT - 2) * (PRICE - COMMISSION - RESERVE)
    browser = Browser(story.client.application.test_client(), seller)
    browser.post("/money/payout-account")
    story.work()
    account = next(
        name for name in flatten(story.stripe.state()["objects"]) if name.startswith("acct_")
    )
    story.stripe.enable(account)
    story.stripe.fund(payable, "usd")
    story.post_events()
    story.work()
    payout = story.send("seller", "POST", "/payouts", json={"currency": "USD"})
    assert payout["amount"] == {"amount": payable, "currency": "USD"}
    assert story.balance(AccountKind.IN_TRANSIT, seller) == payable
    story.work()
    assert story.post_events() > 0
    story.work()
    assert story.send("seller", "GET", f"/payouts/{payout['id']}")["status"] == "paid"
    assert story.balance(AccountKind.IN_TRANSIT, seller) == 0
    assert story.balance(AccountKind.CASH) == -(TOP_UP - FEE - payable)
    transfers = [n for n in flatten(story.stripe.state()["objects"]) if n.startswith("tr_")]
    assert len(set(transfers)) == 1


def recomputed(story: Story, batch: Json) -> None:
    """Anybody can recompute the lot from its public record."""
    record = story.send("buyer", "GET", f"/batches/{batch['id']}/draw")
    assert record["secret"]
    assert db.session.scalars(select(Batch)).one().merkle_root.hex() in str(record)
