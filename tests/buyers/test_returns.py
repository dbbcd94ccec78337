"""Asking for the money of one lead back, through the pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.catalog.policies import ReturnReason, UncoveredReason
from exchange.core import clock
from exchange.core.db import db, parse_id
from exchange.core.money import Currency, Money
from exchange.fulfillment.models import LeadReturn, ReturnOutcome, ReturnStatus
from exchange.fulfillment.services import returns
from exchange.market.models import Listing, OrderLine
from tests.buyers.support import PRICE, bought, keep, key, lines_on, text_of, words_of
from tests.cast import Cast
from tests.factories.fulfillment import pass_time

NOTE = "The man who answers sells boats."


@pytest.fixture
def line(buyer: FlaskClient, listing: Listing) -> str:
    """The public id of a bought lead."""
    return lines_on(text_of(buyer.get(bought(buyer, listing, 1))))[0]


def ask(client: FlaskClient, line: str, **form: str) -> str:
    """The address of the return that was asked for."""
    answer = client.post(f"/buyers/leads/{line}/return", data={"idempotency_key": key(), **form})
    text_of(answer, 303)
    return str(answer.headers["Location"])


def the_return() -> LeadReturn:
    return db.session.scalars(select(LeadReturn)).one()


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(LeadReturn)) or 0


def test_the_form_says_what_holds_before_anything_is_sent(buyer: FlaskClient, line: str):
    answer = buyer.get(f"/buyers/leads/{line}/return")
    words = words_of(answer)
    assert "Inside the window: you can return this lead." in words
    assert "Return for $45.00" in words
    latest = re.search(r"Decided at the latest (\d+ \w+ \d{4}, \d\d:\d\d)", words)
    assert latest is not None
    assert "If we say nothing by then, you are refunded." in words
    page = text_of(answer)
    covered = re.findall(r'name="reason" value="(\w+)"', page)
    assert covered == list(ReturnReason)
    assert page.count('<span class="hint">') == len(ReturnReason)  # an example beside each
    assert page.count("<li>") >= len(UncoveredReason)


def test_a_return_is_asked_for_and_followed(
    buyer: FlaskClient, listing: Listing, line: str, cast: Cast
):
    address = ask(buyer, line, reason="wrong_vertical", note=NOTE)
    made = the_return()
    assert made.public_id in address
    assert (made.reason, made.note, made.status) == (
        "wrong_vertical",
        NOTE,
        ReturnStatus.IN_RECHECK,
    )
    words = words_of(buyer.get(address))
    assert "The return is received." in words
    assert "We are looking at it. If nothing is decided in time, you are refunded." in words
    assert "Another product" in words
    returns.decide(
        return_id=made.id, outcome=ReturnOutcome.APPROVED,
        explanation="He does sell boats.", actor=cast.admin.actor,
    )  # fmt: skip
    returns.contest_return(
        return_id=made.id, explanation="He told us otherwise.", actor=cast.seller.actor
    )
    keep()
    words = words_of(buyer.get(address))
    assert "$45.00 is back in your wallet." in words
    steps = [
        words.index(step)
        for step in (
            "The seller objects He told us",
            "Decided He does",
            "Being looked at",
            "Asked for Another",
        )
    ]
    assert steps == sorted(steps)
    wallet = billing.balance(cast.buyer.organization.id, AccountKind.WALLET, Currency.USD)
    assert wallet == Money(1_000_00, Currency.USD)
    listed = words_of(buyer.get("/buyers/returns"))
    assert "Refunded $45.00" in listed
    assert "Contested" in listed
    assert words_of(buyer.get("/buyers/returns?status=in_recheck")).count("$45.00") == 0


def test_a_denied_return_says_why_and_keeps_the_lead(buyer: FlaskClient, line: str, cast: Cast):
    address = ask(buyer, line, reason="fictitious")
    returns.decide(
        return_id=the_return().id, outcome=ReturnOutcome.DENIED,
        explanation="We spoke to her at length.", actor=cast.admin.actor,
    )  # fmt: skip
    keep()
    words = words_of(buyer.get(address))
    assert "The return was denied" in words
    assert "We spoke to her at length." in words
    assert buyer.post(f"/buyers/leads/{line}/contact").status_code == 200


class TestOnce:
    def test_the_same_form_twice_is_one_return(self, buyer: FlaskClient, line: str):
        form = {"reason": "fictitious", "idempotency_key": key()}
        answers = [buyer.post(f"/buyers/leads/{line}/return", data=form) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        assert answers[0].headers["Location"] == answers[1].headers["Location"]
        assert count() == 1

    def test_a_second_return_is_refused_with_the_page(self, buyer: FlaskClient, line: str):
        address = ask(buyer, line, reason="fictitious")
        answer = buyer.post(
            f"/buyers/leads/{line}/return",
            data={"reason": "under_age", "idempotency_key": key()},
        )
        page = text_of(answer, 409)
        assert "A return of this lead was asked for already." in page
        assert address in page
        assert count() == 1


class TestRefused:
    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({}, "reason"),
            ({"reason": "no_answer"}, "reason"),
            ({"reason": "failed_check"}, "reason"),
            ({"reason": "other"}, "note"),
            ({"reason": "other", "note": "   "}, "note"),
            ({"reason": "fictitious", "note": "x" * 2_001}, "note"),
        ],
    )
    def test_a_mistake_is_said_at_its_field(
        self, buyer: FlaskClient, line: str, form: dict[str, str], field: str
    ):
        answer = buyer.post(f"/buyers/leads/{line}/return", data={"idempotency_key": key(), **form})
        page = text_of(answer, 422)
        assert f'href="#f-{field}"' in page
        assert "<title>Error:" in page
        assert count() == 0

    def test_what_was_typed_is_still_there(self, buyer: FlaskClient, line: str):
        answer = buyer.post(
            f"/buyers/leads/{line}/return",
            data={"reason": "no_answer", "note": NOTE, "idempotency_key": key()},
        )
        assert NOTE in text_of(answer, 422)

    def test_a_closed_window_is_closed(self, buyer: FlaskClient, line: str):
        pass_time()
        keep()
        words = words_of(buyer.get(f"/buyers/leads/{line}/return"))
        assert "The return window of this lead has closed." in words
        assert "Return for" not in words
        answer = buyer.post(
            f"/buyers/leads/{line}/return", data={"reason": "fictitious", "idempotency_key": key()}
        )
        assert "The return window of this lead has closed." in words_of(answer, 410)
        assert count() == 0

    def test_a_state_that_does_not_exist_is_refused(self, buyer: FlaskClient):
        assert buyer.get("/buyers/returns?status=lost").status_code == 422


class TestWindows:
    """What must be decided soon is found at once."""

    def test_windows_that_close_within_a_day_have_a_view(
        self, buyer: FlaskClient, listing: Listing, line: str
    ):
        assert line not in text_of(buyer.get("/buyers/leads?closing=1"))
        assert "No lead is in this state" in words_of(buyer.get("/buyers/leads?closing=1"))
        clock.advance(timedelta(hours=60))
        keep()
        second = lines_on(text_of(buyer.get(bought(buyer, listing, 1))))[0]
        page = text_of(buyer.get("/buyers/leads?closing=1"))
        assert line in page
        assert second not in page
        home = words_of(buyer.get("/buyers/"))
        assert "Return windows that close within 24 hours" in home
        assert "Return windows closing 1" in home

    def test_the_clock_of_a_line_is_the_one_of_its_terms(self, buyer: FlaskClient, line: str):
        until = db.session.get(OrderLine, parse_id(line, OrderLine))
        assert until is not None
        assert until.window_until is not None
        page = text_of(buyer.get(f"/buyers/leads/{line}"))
        assert f'datetime="{until.window_until.isoformat()}"' in page

    def test_returned_and_kept_leads_have_views(self, buyer: FlaskClient, line: str, cast: Cast):
        ask(buyer, line, reason="fictitious")
        returns.decide(
            return_id=the_return().id, outcome=ReturnOutcome.APPROVED,
            explanation="Invented.", actor=cast.admin.actor,
        )  # fmt: skip
        keep()
        assert line in text_of(buyer.get("/buyers/leads?status=returned"))
        assert line not in text_of(buyer.get("/buyers/leads?status=delivered"))


def test_the_price_that_comes_back_is_the_price_that_was_paid(
    buyer: FlaskClient, listing: Listing, cast: Cast
):
    order = bought(buyer, listing, 2)
    first, _ = lines_on(text_of(buyer.get(order)))
    ask(buyer, first, reason="fictitious")
    returns.decide(
        return_id=the_return().id, outcome=ReturnOutcome.APPROVED,
        explanation="Invented.", actor=cast.admin.actor,
    )  # fmt: skip
    keep()
    words = words_of(buyer.get(order))
    assert "Paid $45.00" in words
    assert "Refunded $45.00 1 lead returned" in words
    assert "1 can be opened" in words
    wallet = billing.balance(cast.buyer.organization.id, AccountKind.WALLET, Currency.USD)
    assert wallet == Money(1_000_00 - PRICE, Currency.USD)
