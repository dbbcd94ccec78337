"""Who is told of what, in whose words, and that reading ends it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exchange.billing.models import Payout, PayoutStatus
from exchange.billing.services import top_ups
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.money import Currency, Money
from exchange.core.states import transition
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import deliveries, returns
from exchange.identity import services as identity
from exchange.leads.models import BatchStatus
from exchange.market import queries as market
from exchange.notifications import queries
from exchange.notifications.models import Notice
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.leads import make_batch
from tests.factories.market import make_listing, place


def body(response) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def kinds(player: Player) -> list[str]:
    """What the player's organization was told, newest first, without its own admission."""
    told = queries.notices(viewer=player.organization.id).items
    return [notice.kind for notice in told if notice.kind != "organization.approved"]


def read_page(client: FlaskClient, player: Player) -> str:
    return body(player.sign_in(client).get("/notices"))


class TestWhoIsTold:
    def test_an_organization_of_its_admission_and_suspension(
        self, client: FlaskClient, cast: Cast
    ) -> None:
        identity.approve_organization(
            organization_id=cast.newcomer.organization.id, actor=cast.admin.actor
        )
        identity.suspend_organization(
            organization_id=cast.newcomer.organization.id,
            reason="No licence",
            actor=cast.admin.actor,
        )
        db.session.commit()
        page = read_page(client, cast.newcomer)
        assert "Your organization is approved. You can buy now." in page
        assert "Your organization is suspended: No licence" in page

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (BatchStatus.ACCEPTED, "has passed the check"),
            (BatchStatus.REJECTED, "has not passed the check"),
            (BatchStatus.UNDECIDED, "could be reached to judge it"),
        ],
    )
    def test_a_seller_of_the_decision_on_a_lot(
        self, client: FlaskClient, cast: Cast, status: BatchStatus, words: str
    ) -> None:
        batch = make_batch(cast.seller, leads=6, status=BatchStatus.SAMPLING)
        transition(batch, status, actor=SYSTEM)
        db.session.commit()
        assert words in read_page(client, cast.seller)
        assert kinds(cast.other_seller) == []

    def test_a_seller_of_a_sale_without_the_buyers_name(
        self, client: FlaskClient, cast: Cast
    ) -> None:
        fund_wallet(cast.buyer)
        place(cast.buyer, make_listing(cast.seller, leads=6), 5)
        db.session.commit()
        assert kinds(cast.seller)[0] == "order.confirmed"
        page = read_page(client, cast.seller)
        assert "5 leads of “A lot of tests” are sold for $225.00." in page
        assert "Buyer of the South" not in page

    def test_both_sides_of_each_step_of_a_return(self, client: FlaskClient, cast: Cast) -> None:
        fund_wallet(cast.buyer)
        order = place(cast.buyer, make_listing(cast.seller, leads=6), 5)
        delivery = fulfillment.find_delivery(order.id)
        assert delivery is not None
        deliveries.deliver(delivery_id=delivery.id, actor=SYSTEM)
        asked = returns.request_return(
            line_id=market.lines_of(order.id)[0].id,
            reason="never_requested",
            note="",
            actor=cast.buyer.actor,
        )
        returns.decide(
            return_id=asked.id,
            outcome=ReturnOutcome.APPROVED,
            explanation="She never asked.",
            actor=cast.admin.actor,
        )
        db.session.commit()
        steps = ["return.decided", "return.requested"]
        assert kinds(cast.buyer)[:2] == steps
        assert kinds(cast.seller)[:2] == steps
        assert "Your return is approved" in read_page(client, cast.buyer)
        assert "A return of your lead is approved" in read_page(client, cast.seller)
        assert kinds(cast.other_buyer) == []

    @pytest.mark.parametrize(
        ("status", "words"),
        [(PayoutStatus.PAID, "has arrived"), (PayoutStatus.FAILED, "has failed")],
    )
    def test_a_seller_of_a_payout(
        self, client: FlaskClient, cast: Cast, status: PayoutStatus, words: str
    ) -> None:
        payout = save(
            Payout(
                organization_id=cast.seller.organization.id,
                amount=Money(120_000, Currency.EUR),
                status=PayoutStatus.IN_TRANSIT,
                next_attempt_at=clock.now(),
            )
        )
        transition(payout, status, actor=SYSTEM)
        page = read_page(client, cast.seller)
        assert f"Your payout of €1,200.00 {words}" in page
        db.session.rollback()  # no money stands behind this payout

    def test_a_buyer_of_a_top_up(self, client: FlaskClient, cast: Cast) -> None:
        amount = Money(50_000, Currency.USD)
        top_up = top_ups.start(
            organization_id=cast.buyer.organization.id, amount=amount, actor=cast.buyer.actor
        )
        top_ups.credit(top_up_id=top_up.id, payment_id="pi_1", amount=amount, actor=SYSTEM)
        db.session.commit()
        assert "Your wallet has grown by $500.00." in read_page(client, cast.buyer)

    def test_no_notice_holds_a_contact(self, cast: Cast) -> None:
        fund_wallet(cast.buyer)
        place(cast.buyer, make_listing(cast.seller, leads=6), 5)
        for notice in db.session.query(Notice):
            assert set(notice.facts) <= {
                "kind", "reason", "name", "quantity", "amount", "currency",
            }  # fmt: skip


class TestBell:
    def unread(self, page: str) -> int:
        found = re.search(r'bell-count"[^>]*>(\d+)', page)
        return int(found[1]) if found else 0

    def test_it_counts_what_nobody_has_read(self, client: FlaskClient, cast: Cast) -> None:
        cast.seller.sign_in(client)
        page = body(client.get("/team"))
        assert self.unread(page) == queries.unread(cast.seller.organization.id) == 1
        assert "Notices: 1 is new" in page

    def test_reading_one_or_all_ends_it(self, client: FlaskClient, cast: Cast) -> None:
        make_and_decide(cast, 3)
        cast.seller.sign_in(client)
        one = queries.notices(viewer=cast.seller.organization.id).items[0]
        assert client.post(f"/notices/{one.public_id}/read").status_code == 303
        assert self.unread(body(client.get("/notices"))) == 3
        assert client.post("/notices/read").status_code == 303
        page = body(client.get("/notices?unread=1"))
        assert self.unread(page) == 0
        assert "Nothing new" in page

    def test_a_stranger_reads_nothing_of_it(
        self, app: Flask, client: FlaskClient, cast: Cast
    ) -> None:
        make_and_decide(cast, 1)
        mine = queries.notices(viewer=cast.seller.organization.id).items[0]
        cast.other_seller.sign_in(client)
        assert client.post(f"/notices/{mine.public_id}/read").status_code == 404
        assert client.post("/notices/ntc_nonsense/read").status_code == 404
        assert mine.read_at is None

    def test_nobody_reads_without_signing_in(self, client: FlaskClient, cast: Cast) -> None:
        assert client.get("/notices").location == "/sign-in?next=/notices"

    def test_it_counts_to_a_hundred(self, client: FlaskClient, cast: Cast) -> None:
        for _ in range(101):
            save(
                Notice(
                    organization_id=cast.buyer.organization.id,
                    kind="top_up.succeeded",
                    subject_kind="top_up",
                    subject_id=cast.buyer.organization.id,
                    facts={"amount": 100, "currency": "USD"},
                )
            )
        db.session.commit()
        assert "99+" in read_page(client, cast.buyer)
        assert "Next" in body(client.get("/notices"))


def make_and_decide(cast: Cast, count: int) -> None:
    for _ in range(count):
        batch = make_batch(cast.seller, leads=6, status=BatchStatus.SAMPLING)
        transition(batch, BatchStatus.REJECTED, actor=SYSTEM)
    db.session.commit()
