"""A check that a page makes is made for programs too, and with the same outcome."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from exchange.core.db import db
from exchange.leads.models import Import, Source
from tests.cast import Cast, Player
from tests.factories.catalog import make_vertical
from tests.leads.test_sources import a_file

Door = Callable[[Player, Mapping[str, Any]], TestResponse]
GOOD: dict[str, Any] = {"price": "4500", "declared_unsold": "1", "source": "Search ads"}


def page(app: Flask, player: Player) -> FlaskClient:
    return player.sign_in(app.test_client())


def sent_file(sent: Mapping[str, Any], *, name: str = "october.csv") -> dict[str, Any]:
    vertical = make_vertical().code
    content = a_file(rows=3)
    db.session.commit()
    return {"vertical": vertical, **sent, "file": (io.BytesIO(content), name)}


def by_program(
    client: FlaskClient, player: Player, sent: Mapping[str, Any], name: str = "october.csv"
) -> TestResponse:
    head = {**player.key("batch:upload"), "Idempotency-Key": "the-only-one"}
    return client.post("/api/v1/batches", data=sent_file(sent, name=name), headers=head)


def drafts() -> int:
    return db.session.scalar(select(func.count()).select_from(Import)) or 0


class TestUploads:
    @pytest.mark.parametrize(
        ("sent", "name"),
        [
            ({"source": "   "}, "october.csv"),
            ({"source": "x" * 201}, "october.csv"),
            ({"source": "Search ads"}, ""),
        ],
    )
    def test_a_source_or_a_file_without_a_name(
        self, app: Flask, client: FlaskClient, cast: Cast, sent: dict[str, str], name: str
    ) -> None:
        by_hand = page(app, cast.seller).post("/sellers/imports", data=sent_file(sent, name=name))
        assert by_hand.status_code == 422
        assert by_program(client, cast.seller, {**GOOD, **sent}, name).status_code == 422
        assert drafts() == 0
        assert db.session.scalars(select(Source)).all() == []

    def test_what_is_not_declared_is_not_confirmed_later_either(
        self, client: FlaskClient, cast: Cast
    ) -> None:
        sent = {**GOOD, "declared_unsold": "false"}
        assert by_program(client, cast.seller, sent).status_code == 422
        assert drafts() == 0

    @pytest.mark.parametrize("price", ["0", "-5", "1000000001", str(10**30)])
    def test_a_price_that_is_none(
        self, app: Flask, client: FlaskClient, cast: Cast, price: str
    ) -> None:
        answer = by_program(client, cast.seller, {**GOOD, "price": price})
        assert answer.status_code == 422
        pages = page(app, cast.seller)
        started = pages.post("/sellers/imports", data=sent_file({"source": "Search ads"}))
        draft = started.headers["Location"].split("/")[3]
        pages.post(f"/sellers/imports/{draft}/map")
        form = {"price": f"{int(price) / 100:.2f}", "declared_unsold": "1"}
        confirm = {**form, "idempotency_key": "the-only-one"}
        answer = pages.post(f"/sellers/imports/{draft}/confirm", data=confirm)
        assert answer.status_code == 422

    def test_leads_of_a_file_are_never_targeted(self, app: Flask, cast: Cast) -> None:
        pages = page(app, cast.seller)
        started = pages.post("/sellers/imports", data=sent_file({"source": "Search ads"}))
        draft = started.headers["Location"].split("/")[3]
        pages.post(f"/sellers/imports/{draft}/map")
        form = {"price": "45", "declared_unsold": "1", "kind": "targeted"}
        confirm = {**form, "idempotency_key": "the-only-one"}
        answer = pages.post(f"/sellers/imports/{draft}/confirm", data=confirm)
        assert answer.status_code == 422

    def test_an_answer_to_what_nobody_asks(self, client: FlaskClient, cast: Cast) -> None:
        made = by_program(client, cast.seller, {**GOOD, "mapping": "{}"}).get_json()
        head = cast.seller.key("batch:upload")
        sent = {"answers": {"colour": "blue"}}
        answer = client.patch(f"/api/v1/batches/{made['id']}", json=sent, headers=head)
        assert answer.status_code == 422


class TestMoney:
    def test_a_top_up_is_in_a_currency_that_trades(
        self, app: Flask, client: FlaskClient, cast: Cast
    ) -> None:
        make_vertical()  # in USD
        db.session.commit()
        form = {"amount": "50", "currency": "MYR", "idempotency_key": "the-only-one"}
        assert page(app, cast.buyer).post("/money/top-ups", data=form).status_code == 422
        head = {**cast.buyer.key("wallet:top_up"), "Idempotency-Key": "the-only-one"}
        sent = {"amount": {"amount": 5000, "currency": "MYR"}}
        assert client.post("/api/v1/top_ups", json=sent, headers=head).status_code == 422

    def test_who_sells_nothing_is_paid_nothing_out(
        self, app: Flask, client: FlaskClient, cast: Cast
    ) -> None:
        form = {"currency": "USD", "idempotency_key": "the-only-one"}
        answer = page(app, cast.buyer).post("/money/payouts", data=form)
        assert answer.status_code == 404
        assert page(app, cast.seller).get("/money/wallet").status_code == 404
