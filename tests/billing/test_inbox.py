from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from stripe import WebhookSignature

from exchange.billing.models import (
    InboundEvent,
    InboundStatus,
    Payout,
    PayoutAccount,
    PayoutStatus,
    Posting,
    TopUp,
    TopUpStatus,
)
from exchange.billing.services import inbox, payouts
from exchange.core import clock
from exchange.core.db import db
from exchange.core.ids import uuid7
from tests.billing.books import EUR, Deal, amounts, commit, eur, fund, undone
from tests.billing.test_top_ups import open_checkout, start
from tests.cast import Cast
from tests.servers.stripe_sandbox import Parcel, StripeSandbox

Post = Callable[..., int]
RunJobs = Callable[[], int]
DOOR = "/api/v1/webhooks/stripe"


def orders(letters: list[Parcel]) -> Iterator[list[Parcel]]:
    """Orders of the letters with repeats: all of them, or as sent, reversed and six more."""
    chance = random.Random(7)
    found = [list(order) for order in permutations(letters)]
    if len(found) > 8:
        found = [letters, letters[::-1], *chance.sample(found, 6)]
    for order in found:
        yield [copy for letter in order for copy in [letter] * chance.randint(1, 3)]


def deliver(letters: list[Parcel], post_events: Post, run_jobs: RunJobs) -> None:
    """Bring the letters one by one and work on each at once."""
    for letter in letters:
        post_events([letter])
        run_jobs()


class TestAnyOrder:
    """Events of one object, in every order and up to three times each, give the same state."""

    def test_a_checkout_that_was_paid_late(
        self, cast: Cast, stripe: StripeSandbox, post_events: Post, run_jobs: RunJobs
    ) -> None:
        top_up = start(cast.buyer)
        open_checkout(top_up)
        stripe.pay(str(top_up.session_id), outcome="unpaid")
        stripe.pay(str(top_up.session_id), outcome="paid")
        letters = stripe.take()
        assert len(letters) == 6  # of the session, the intent and the charge
        for order in orders(letters):
            with undone():
                deliver(order, post_events, run_jobs)
                assert db.session.get_one(TopUp, top_up.id).status is TopUpStatus.SUCCEEDED
                assert amounts(cast.buyer) == {"wallet": 5_000}

    def test_a_checkout_that_the_bank_refused_in_the_end(
        self, cast: Cast, stripe: StripeSandbox, post_events: Post, run_jobs: RunJobs
    ) -> None:
        top_up = start(cast.buyer)
        open_checkout(top_up)
        stripe.pay(str(top_up.session_id), outcome="unpaid")
        stripe.pay(str(top_up.session_id), outcome="declined")
        letters = [letter for letter in stripe.take() if "checkout" in letter.event["type"]]
        for order in orders(letters):
            with undone():
                deliver(order, post_events, run_jobs)
                assert db.session.get_one(TopUp, top_up.id).status is TopUpStatus.FAILED
                assert amounts(cast.buyer) == {}

    def test_a_transfer_that_was_made_and_taken_back(
        self,
        cast: Cast,
        stripe: StripeSandbox,
        post_events: Post,
        run_jobs: RunJobs,
        ready_account: Callable[..., PayoutAccount],
    ) -> None:
        fund(cast.buyer, 10_000)
        Deal(cast.buyer, cast.seller).deliver().settle()
        ready_account(cast.seller)
        stripe.fund(30_000, "eur")
        stripe.take()
        payout = payouts.request(
            organization_id=cast.seller.organization.id, currency=EUR, actor=cast.seller.actor
        )
        payouts.send(payout.id)
        commit()
        stripe.client().v1.transfers.reversals.create(str(payout.external_id))
        letters = stripe.take()
        assert {letter.event["type"] for letter in letters} == {
            "transfer.created",
            "transfer.reversed",
        }
        for order in orders(letters):
            with undone():
                deliver(order, post_events, run_jobs)
                assert db.session.get_one(Payout, payout.id).status is PayoutStatus.FAILED
                assert amounts(cast.seller) == {"payable": 7_500, "reserve": 1_000}
                assert words_about(payout.id) == ["failed", "paid", "requested"]

    def test_a_transfer_whose_sending_is_not_known_here_yet(
        self,
        cast: Cast,
        stripe: StripeSandbox,
        post_events: Post,
        run_jobs: RunJobs,
        ready_account: Callable[..., PayoutAccount],
    ) -> None:
        fund(cast.buyer, 10_000)
        Deal(cast.buyer, cast.seller).deliver().settle()
        ready_account(cast.seller)
        stripe.fund(30_000, "eur")
        stripe.take()
        stripe.fault("act_then_reset", "/v1/transfers")
        payout = payouts.request(
            organization_id=cast.seller.organization.id, currency=EUR, actor=cast.seller.actor
        )
        payouts.send(payout.id)
        assert payout.status is PayoutStatus.RELEASABLE
        commit()
        deliver(stripe.take(), post_events, run_jobs)
        db.session.refresh(payout)
        assert payout.status is PayoutStatus.PAID
        assert payout.external_id == stripe.objects("transfer")[0]["id"]

    def test_an_account_that_became_ready(
        self, cast: Cast, stripe: StripeSandbox, post_events: Post, run_jobs: RunJobs
    ) -> None:
        account = payouts.connect_account(
            organization_id=cast.seller.organization.id, actor=cast.seller.actor
        )
        payouts.open_account(account.id)
        commit()
        stripe.enable(str(account.external_id), enabled=False)
        stripe.enable(str(account.external_id))
        for order in orders(stripe.take()):
            with undone():
                deliver(order, post_events, run_jobs)
                assert db.session.get_one(PayoutAccount, account.id).status == "ready"


class TestHandle:
    def test_an_event_about_a_row_that_is_not_here_waits_for_the_sweep(
        self, cast: Cast, run_jobs: RunJobs, sweep: Callable[[str], None]
    ) -> None:
        top_up = TopUp(id=uuid7(), organization_id=cast.buyer.organization.id, amount=eur(5_000))
        event = receive("checkout.session.completed", paid_session(top_up))
        run_jobs()
        assert fresh(event).status is InboundStatus.RECEIVED
        db.session.add(top_up)
        clock.advance(timedelta(minutes=1))
        commit()
        sweep("billing.inbound")
        run_jobs()
        assert fresh(event).status is InboundStatus.HANDLED
        assert amounts(cast.buyer) == {"wallet": 5_000}

    def test_each_ring_comes_later_than_the_one_before(
        self, cast: Cast, run_jobs: RunJobs, sweep: Callable[[str], None]
    ) -> None:
        top_up = TopUp(id=uuid7(), organization_id=cast.buyer.organization.id, amount=eur(5_000))
        event = receive("checkout.session.completed", paid_session(top_up))
        run_jobs()
        rings = []
        for _ in range(5):
            clock.advance(timedelta(minutes=1))
            commit()
            sweep("billing.inbound")
            rings.append(run_jobs())
        assert rings == [1, 1, 0, 1, 0]
        assert fresh(event).attempts == 3

    def test_unknown_types_are_stored_and_ignored(self, app: object, run_jobs: RunJobs) -> None:
        event = receive("customer.created", {"id": "cus_1"})
        run_jobs()
        assert fresh(event).status is InboundStatus.IGNORED

    @pytest.mark.parametrize("reference", [None, "order 17", "top_0", 17])
    def test_what_is_not_ours_is_ignored(
        self, app: object, run_jobs: RunJobs, reference: object
    ) -> None:
        session = {"id": "cs_1", "payment_status": "paid", "client_reference_id": reference}
        event = receive("checkout.session.completed", session)
        run_jobs()
        assert fresh(event).status is InboundStatus.IGNORED

    def test_a_refusal_is_kept_with_its_reason_and_changes_nothing(
        self, cast: Cast, run_jobs: RunJobs, sweep: Callable[[str], None]
    ) -> None:
        top_up = start(cast.buyer)
        event = receive("checkout.session.completed", paid_session(top_up) | {"amount_total": 1})
        run_jobs()
        assert (fresh(event).status, event.failure) == (InboundStatus.FAILED, "amount_differs")
        assert amounts(cast.buyer) == {}
        clock.advance(timedelta(minutes=1))
        commit()
        sweep("billing.inbound")
        assert run_jobs() == 1
        assert fresh(event).status is InboundStatus.FAILED

    @pytest.mark.parametrize("missing", ["payment_status", "amount_total", "payment_intent"])
    def test_an_event_of_another_shape_is_kept(
        self, cast: Cast, run_jobs: RunJobs, missing: str
    ) -> None:
        session = paid_session(start(cast.buyer))
        del session[missing]
        event = receive("checkout.session.completed", session)
        run_jobs()
        assert (fresh(event).status, event.failure) == (InboundStatus.FAILED, "shape_unknown")

    def test_a_currency_that_is_not_ours_is_kept(self, cast: Cast, run_jobs: RunJobs) -> None:
        event = receive(
            "checkout.session.completed", paid_session(start(cast.buyer)) | {"currency": "xts"}
        )
        run_jobs()
        assert fresh(event).failure == "currency_unknown"

    def test_a_transfer_taken_back_in_part_is_left_to_a_person(
        self, cast: Cast, run_jobs: RunJobs
    ) -> None:
        payout = Payout(
            id=uuid7(),
            organization_id=cast.seller.organization.id,
            amount=eur(100),
            next_attempt_at=clock.now(),
        )
        transfer = {
            "id": "tr_1",
            "amount": 100,
            "amount_reversed": 40,
            "currency": "eur",
            "metadata": {"reference": payout.public_id},
        }
        with undone():
            db.session.add(payout)
            event = receive("transfer.reversed", transfer)
            run_jobs()
            assert fresh(event).failure == "reversed_in_part"


class TestDoor:
    def test_a_bad_signature_leaves_no_row(
        self, cast: Cast, stripe: StripeSandbox, client: FlaskClient
    ) -> None:
        top_up = start(cast.buyer)
        open_checkout(top_up)
        stripe.pay(str(top_up.session_id))
        stripe.take()
        stripe.resend(secret="whsec_forged")
        for letter in stripe.take():
            answer = client.post(DOOR, data=letter.body, headers=letter.headers)
            assert (answer.status_code, answer.json["code"]) == (400, "signature_invalid")
        assert db.session.query(InboundEvent).count() == 0

    def test_a_letter_that_was_signed_too_long_ago_is_refused(
        self, cast: Cast, stripe: StripeSandbox, client: FlaskClient
    ) -> None:
        open_checkout(top_up := start(cast.buyer))
        stripe.pay(str(top_up.session_id))
        stripe.take()
        stripe.resend(timestamp=1_700_000_000)
        for letter in stripe.take():
            assert client.post(DOOR, data=letter.body, headers=letter.headers).status_code == 400

    def test_a_letter_three_days_late_and_of_another_version_counts_the_same(
        self, cast: Cast, stripe: StripeSandbox, post_events: Post, run_jobs: RunJobs
    ) -> None:
        open_checkout(top_up := start(cast.buyer))
        stripe.pay(str(top_up.session_id))
        stripe.take()
        stripe.advance(3 * 24 * 3_600)
        stripe.resend(api_version="2024-06-20")
        deliver(stripe.take(), post_events, run_jobs)
        assert amounts(cast.buyer) == {"wallet": 5_000}

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"id": 1}', b'{"data": {}}'])
    def test_what_is_no_event_is_refused_even_when_signed(
        self, stripe: StripeSandbox, client: FlaskClient, body: bytes
    ) -> None:
        text = body.decode("latin-1")
        header = WebhookSignature.generate_signature_header(text, stripe.secret)
        answer = client.post(DOOR, data=body, headers={"Stripe-Signature": header})
        assert answer.status_code == 400

    def test_without_a_signature_nobody_comes_in(self, client: FlaskClient) -> None:
        assert client.post(DOOR, data=b"{}").status_code == 400

    def test_names_and_addresses_are_not_kept(
        self, cast: Cast, stripe: StripeSandbox, post_events: Post
    ) -> None:
        open_checkout(top_up := start(cast.buyer))
        stripe.plant(
            id=str(top_up.session_id),
            object="checkout.session",
            customer_details={"email": "payer@bank.example", "name": "Pia Payer"},
        )
        stripe.pay(str(top_up.session_id))
        post_events()
        kept = [str(event.payload) for event in db.session.query(InboundEvent)]
        assert kept
        assert not any("payer@bank.example" in text for text in kept)


def paid_session(top_up: TopUp) -> dict[str, object]:
    return {
        "id": "cs_1",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": top_up.amount.amount,
        "currency": top_up.amount.currency.lower(),
        "client_reference_id": top_up.public_id,
    }


def receive(event_type: str, payload: dict[str, object]) -> InboundEvent:
    external_id = f"evt_{uuid7()}"
    stored = inbox.receive(
        source=inbox.STRIPE, external_id=external_id, event_type=event_type, payload=payload
    )
    assert stored
    commit()
    return db.session.query(InboundEvent).filter_by(external_id=external_id).one()


def fresh(event: InboundEvent) -> InboundEvent:
    db.session.refresh(event)
    return event


def words_about(payout_id: UUID) -> list[str]:
    keys = db.session.query(Posting.key).filter(Posting.subject_id == payout_id)
    return sorted(str(row.key).rsplit("-", 1)[-1] for row in keys)
