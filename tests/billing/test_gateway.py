"""The gateway against the sandbox as a process: what it sends, and what it makes of the answers."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from flask import Flask

from exchange.billing import gateway
from exchange.billing.gateway import ConnectTransfer
from exchange.core.errors import Unavailable
from tests.billing.books import eur
from tests.servers.stripe_sandbox import StripeSandbox

CHECKOUT = "/v1/checkout/sessions"


def open_checkout(key: str = "top-up-1") -> gateway.Checkout:
    return gateway.open_checkout(
        key=key,
        reference="top_1",
        amount=eur(5_000),
        name="A top-up",
        success_url="http://localhost/paid",
        cancel_url="http://localhost/canceled",
    )


class TestFaults:
    @pytest.mark.parametrize(
        "fault", ["fail_before", "429", "reset_before", "act_then_500", "act_then_reset"]
    )
    def test_no_answer_is_no_decision_and_trying_again_is_one_object(
        self, stripe: StripeSandbox, fault: str
    ) -> None:
        stripe.fault(fault, CHECKOUT)
        with pytest.raises(gateway.OutcomeUnknown) as unknown:
            open_checkout()
        assert unknown.value.status == 503
        opened = open_checkout()
        (session,) = stripe.objects("checkout.session")
        assert session["id"] == opened.session_id

    @pytest.mark.parametrize("fault", ["hang", "act_then_hang"])
    def test_a_call_that_hangs_is_given_up_in_time(self, stripe: StripeSandbox, fault: str) -> None:
        stripe.fault(fault, CHECKOUT, seconds=1.5)
        with pytest.raises(gateway.OutcomeUnknown):
            open_checkout()
        stripe.clear_faults()
        open_checkout()
        assert len(stripe.objects("checkout.session")) == 1

    def test_nothing_is_repeated_in_here(self, stripe: StripeSandbox) -> None:
        stripe.fault("fail_before", CHECKOUT, times=3)
        with pytest.raises(gateway.OutcomeUnknown):
            open_checkout()
        assert len(stripe.calls(CHECKOUT)) == 1

    def test_nobody_listening_is_no_decision_either(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.socket() as taken:  # bound, but it does not listen
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            settings = replace(app.config["SETTINGS"], stripe_api_url=url)
            monkeypatch.setitem(app.config, "SETTINGS", settings)
            app.extensions.pop("stripe", None)
            with pytest.raises(gateway.OutcomeUnknown):
                open_checkout()
            app.extensions.pop("stripe")

    def test_a_refusal_is_final_and_names_its_reason(self, stripe: StripeSandbox) -> None:
        with pytest.raises(gateway.Refused) as refused:
            gateway.send_transfer(key="p-1", reference="pay_1", amount=eur(1), account_id="acct_x")
        assert refused.value.reason == "resource_missing"
        assert refused.value.status == 409


class TestWrites:
    def test_every_write_carries_the_key_and_the_version(self, stripe: StripeSandbox) -> None:
        open_checkout()
        account = gateway.open_account(key="payout-account-1", reference="pac_1", country="DE")
        stripe.enable(account.account_id)
        stripe.fund(100, "eur")
        gateway.send_transfer(
            key="payout-1", reference="pay_1", amount=eur(100), account_id=account.account_id
        )
        written = [call for call in stripe.calls() if call["method"] == "POST"]
        assert [call["idempotency_key"] for call in written] == [
            "top-up-1",
            "payout-account-1",
            "payout-1",
        ]

    def test_the_same_key_gives_the_same_object(self, stripe: StripeSandbox) -> None:
        assert open_checkout() == open_checkout()
        assert len(stripe.objects("checkout.session")) == 1

    def test_a_key_used_for_something_else_is_not_taken_for_a_refusal(
        self, stripe: StripeSandbox
    ) -> None:
        open_checkout()
        with pytest.raises(gateway.OutcomeUnknown):
            gateway.open_checkout(
                key="top-up-1",
                reference="top_1",
                amount=eur(6_000),
                name="A top-up",
                success_url="http://localhost/paid",
                cancel_url="http://localhost/canceled",
            )


class TestReads:
    def test_a_fee_is_known_once_it_was_charged(self, stripe: StripeSandbox) -> None:
        stripe.pay(open_checkout().session_id)
        (payment,) = stripe.objects("payment_intent")
        assert gateway.find_fee(payment["id"]) == eur(175)

    def test_an_unpaid_payment_has_no_fee(self, stripe: StripeSandbox) -> None:
        stripe.pay(open_checkout().session_id, outcome="unpaid")
        (payment,) = stripe.objects("payment_intent")
        assert gateway.find_fee(payment["id"]) is None

    def test_an_account_is_ready_when_it_can_receive(self, stripe: StripeSandbox) -> None:
        account = gateway.open_account(key="k", reference="pac_1", country="DE")
        assert not account.is_ready
        stripe.enable(account.account_id)
        assert gateway.find_account(account.account_id).is_ready

    def test_a_transfer_is_found_by_its_reference(self, stripe: StripeSandbox) -> None:
        account = gateway.open_account(key="k", reference="pac_1", country="DE")
        stripe.enable(account.account_id)
        stripe.fund(300, "eur")
        for key, reference in (("a", "pay_1"), ("b", "pay_2")):
            gateway.send_transfer(
                key=key, reference=reference, amount=eur(100), account_id=account.account_id
            )
        found = gateway.find_transfer("pay_1")
        assert isinstance(found, ConnectTransfer)
        assert found.amount == eur(100)
        assert gateway.find_transfer("pay_3") is None

    def test_the_onboarding_is_a_page_of_stripe(self, stripe: StripeSandbox) -> None:
        account = gateway.open_account(key="k", reference="pac_1", country="DE")
        url = gateway.onboarding_url(
            account.account_id, return_url="http://localhost/a", refresh_url="http://localhost/b"
        )
        assert url.startswith(stripe.url)


def test_without_a_secret_no_event_is_believed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = replace(app.config["SETTINGS"], stripe_webhook_secret="")
    monkeypatch.setitem(app.config, "SETTINGS", bare)
    with pytest.raises(Unavailable):
        gateway.read_event(b"{}", "t=1,v1=00")
