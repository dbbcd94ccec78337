"""The API of bought contacts and returns: works, refuses strangers, refuses bad input."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from exchange.core.db import db
from exchange.core.events import Event
from exchange.core.ids import encode, uuid7
from exchange.fulfillment.models import LeadReturn
from exchange.fulfillment.services import returns
from exchange.market.models import Order
from tests.factories.fulfillment import buy, make_return
from tests.factories.market import make_listing

API = "/api/v1"


@pytest.fixture
def lines(cast):
    found = buy(cast.buyer, make_listing(cast.seller, leads=3), 3)
    db.session.commit()
    return found


@pytest.fixture
def buyer(cast):
    return cast.buyer.key("contact:open", "return:request")


@pytest.fixture
def seller(cast):
    return cast.seller.key("return:answer")


def contacts(client, headers, lines):
    order_id = db.session.get(Order, lines[0].order_id).public_id
    return client.get(f"{API}/orders/{order_id}/leads", headers=headers)


def ask(client, headers, line, *, key="k", **body):
    body = {"line_id": line.public_id, "reason": "fictitious", **body}
    headers = {**headers, "Idempotency-Key": key}
    return client.post(f"{API}/returns", json=body, headers=headers)


def opened() -> int:
    statement = select(func.count()).where(Event.type == "contact.opened")
    return db.session.scalar(statement)


FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON event FOR EACH ROW
WHEN (NEW.type = 'contact.opened') EXECUTE FUNCTION full_disk()
"""


def refuse_the_record() -> None:
    """Let the table of events refuse openings, as a full disk would; undone with the test."""
    for statement in ("SET ROLE exchange", FULL_DISK, "SET ROLE exchange_app"):
        db.session.execute(text(statement))
    db.session.commit()


class TestBoughtLeads:
    def test_are_opened_and_recorded(self, client, lines, buyer):
        answer = contacts(client, buyer, lines)
        assert answer.status_code == 200
        ours = [line.public_id for line in lines]
        assert [one["line_id"] for one in answer.json["data"]] == ours
        assert all(one["contact"]["phone"].startswith("+1614") for one in answer.json["data"])
        assert "no-store" in answer.headers["Cache-Control"]
        assert opened() == 3

    def test_strangers_open_nothing(self, client, cast, lines):
        stranger = cast.other_buyer.key("contact:open")
        assert contacts(client, stranger, lines).status_code == 404
        assert contacts(client, cast.buyer.key("order:read"), lines).status_code == 404
        assert opened() == 0

    def test_without_a_record_nothing_is_opened(self, client, lines, buyer):
        refuse_the_record()
        answer = contacts(client, buyer, lines)
        assert answer.status_code == 500
        assert "+1614" not in answer.get_data(as_text=True)

    def test_without_a_key(self, client, lines):
        assert contacts(client, {}, lines).status_code == 401


class TestReturns:
    def test_a_buyer_asks_and_follows(self, client, lines, buyer):
        answer = ask(client, buyer, lines[0], note="A made-up name.")
        assert answer.status_code == 201, answer.json
        assert (answer.json["status"], answer.json["outcome"]) == ("in_recheck", None)
        shown = client.get(f"{API}/returns/{answer.json['id']}", headers=buyer).json
        assert shown["note"] == "A made-up name."
        assert [one["id"] for one in client.get(f"{API}/returns", headers=buyer).json["data"]] == [
            answer.json["id"]
        ]

    def test_the_same_key_asks_once(self, client, lines, buyer):
        first, second = ask(client, buyer, lines[0]), ask(client, buyer, lines[0])
        assert second.data == first.data
        assert db.session.query(LeadReturn).count() == 1

    def test_a_second_return_of_a_line_is_refused(self, client, lines, buyer):
        ask(client, buyer, lines[0])
        answer = ask(client, buyer, lines[0], key="other")
        assert (answer.status_code, answer.json["code"]) == (409, "already_requested")

    @pytest.mark.parametrize(
        "body", [{"reason": "not_interested"}, {"reason": ""}, {"line_id": "line_1"}]
    )
    def test_bad_input_is_refused(self, client, lines, buyer, body):
        assert ask(client, buyer, lines[0], **body).status_code == 422

    def test_an_unknown_line_is_not_found(self, client, lines, buyer):
        unknown = encode("line", uuid7())
        assert ask(client, buyer, lines[0], line_id=unknown).status_code == 404

    def test_strangers_neither_ask_nor_see(self, client, cast, lines, buyer):
        made = ask(client, buyer, lines[0]).json
        stranger = cast.other_buyer.key("return:request")
        assert ask(client, stranger, lines[1]).status_code == 404
        assert client.get(f"{API}/returns/{made['id']}", headers=stranger).status_code == 404
        assert client.get(f"{API}/returns", headers=stranger).json["data"] == []

    def test_the_seller_sees_and_objects(self, client, cast, lines, seller):
        made = make_return(cast, lines[0])
        returns.decide(
            return_id=made.id,
            outcome=returns.ReturnOutcome.APPROVED,
            explanation="Made up.",
            actor=cast.admin.actor,
        )
        db.session.commit()
        path = f"{API}/returns/{made.public_id}"
        assert client.get(path, headers=seller).json["outcome"] == "approved"
        answer = client.post(f"{path}/contest", json={"explanation": "We spoke."}, headers=seller)
        assert (answer.status_code, answer.json["status"]) == (200, "contested")

    def test_an_objection_needs_words_and_the_right_seller(self, client, cast, lines, seller):
        made = make_return(cast, lines[0])
        db.session.commit()
        path = f"{API}/returns/{made.public_id}/contest"
        assert client.post(path, json={}, headers=seller).status_code == 422
        other = cast.other_seller.key("return:answer")
        answer = client.post(path, json={"explanation": "No."}, headers=other)
        assert answer.status_code == 404
