"""The doors of actions: a program reports and decides, a seller reads, a stranger finds nothing."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exchange.core.db import db
from exchange.notifications import queries as notifications
from tests.cast import Cast, Player
from tests.factories.actions import make_action_lines

API = "/api/v1"
_calls = count(1)


class Program:
    """Somebody's program with a key of its own."""

    def __init__(self, client: FlaskClient, player: Player, *scopes: str) -> None:
        self.client, self.headers = client, player.key(*scopes)

    def post(self, path: str, **body: Any) -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": f"cnv-{next(_calls)}"}
        return self.client.post(f"{API}{path}", json=body, headers=headers)

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"{API}{path}", headers=self.headers)


@pytest.fixture
def buyer(client: FlaskClient, cast: Cast) -> Program:
    return Program(client, cast.buyer, "conversion:report")


@pytest.fixture
def seller(client: FlaskClient, cast: Cast) -> Program:
    return Program(client, cast.seller, "batch:read")


@pytest.fixture
def lines(cast: Cast) -> list[str]:
    made = [line.public_id for line in make_action_lines(cast, 2)]
    db.session.commit()
    return made


def test_an_action_is_reported_once_and_approved(buyer: Program, lines: list[str]) -> None:
    form = {"line_id": lines[0], "reference": "A-1"}
    made = buyer.post("/conversions", **form)
    assert made.status_code == 201
    assert made.json["status"] == "on_hold"
    assert made.json["reference"] == "A-1"
    again = buyer.post("/conversions", **form)  # under another Idempotency-Key
    assert again.json == made.json
    other = buyer.post("/conversions", line_id=lines[1], reference="A-1")
    assert (other.status_code, other.json["code"]) == (409, "reference_used")
    approved = buyer.post(f"/conversions/{made.json['id']}/approve")
    assert (approved.status_code, approved.json["status"]) == (200, "approved")


def test_a_rejection_has_a_reason_of_the_list(buyer: Program, lines: list[str]) -> None:
    made = buyer.post("/conversions", line_id=lines[0], reference="A-1").json
    path = f"/conversions/{made['id']}/reject"
    assert buyer.post(path, reason="past_due").status_code == 422
    wordless = buyer.post(path, reason="other")
    assert (wordless.status_code, wordless.json["errors"][0]["pointer"]) == (422, "/explanation")
    assert buyer.post(path, reason="fraud").json["reason"] == "fraud"


def test_the_seller_reads_every_state_and_no_name(
    buyer: Program, seller: Program, lines: list[str]
) -> None:
    made = buyer.post("/conversions", line_id=lines[0], reference="ACME-1").json
    buyer.post(f"/conversions/{made['id']}/reject", reason="other", explanation="Moved abroad")
    (seen,) = seller.get("/conversions").json["data"]
    assert (seen["status"], seen["reason"]) == ("rejected", "other")
    assert seen["explanation"] == "Moved abroad"
    assert (seen["reference"], seen["contract_id"]) == (None, None)
    assert "ACME" not in seller.get(f"/conversions/{made['id']}").get_data(as_text=True)
    assert seller.post(f"/conversions/{made['id']}/approve").status_code == 404


def test_a_stranger_finds_nothing(
    client: FlaskClient, cast: Cast, buyer: Program, lines: list[str]
) -> None:
    made = buyer.post("/conversions", line_id=lines[0], reference="A-1").json
    stranger = Program(client, cast.other_buyer, "conversion:report")
    for answer in (
        stranger.get(f"/conversions/{made['id']}"),
        stranger.post(f"/conversions/{made['id']}/approve"),
        stranger.post(f"/conversions/{made['id']}/reject", reason="fraud"),
        stranger.post("/conversions", line_id=lines[1], reference="A-1"),
    ):
        assert answer.status_code == 404
    assert stranger.get("/conversions").json["data"] == []


def test_both_sides_are_told_of_each_state(buyer: Program, cast: Cast, lines: list[str]) -> None:
    made = buyer.post("/conversions", line_id=lines[0], reference="A-1").json
    buyer.post(f"/conversions/{made['id']}/approve")
    for player in (cast.buyer, cast.seller):
        told = notifications.notices(viewer=player.organization.id).items
        kinds = [one.kind for one in told if one.kind.startswith("conversion.")]
        assert kinds == ["conversion.approved", "conversion.on_hold"]
